package main

import (
	"context"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/workerkit/control"
)

// plug starts the worker as a plugin.
func plug(t *testing.T, misbehave string) (*control.Client, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_MISBEHAVE=1", "GORACE=atexit_sleep_ms=0", "MISBEHAVE="+misbehave)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  control.Handshake,
		Plugins:          control.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              cmd,
		StartTimeout:     time.Second,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
	})
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
		client.Kill()
	})
	conn, err := client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := conn.Dispense(control.PluginName)
	must(t, err)
	return raw.(*control.Client), nil
}

func TestBadHandshakes(t *testing.T) {
	for misbehave, want := range map[string]string{
		"junk-handshake":          "Unrecognized remote plugin message: Hello, I am not a handshake",
		"never-handshake":         "timeout while waiting for plugin to start",
		"exit-at-once,weird-log":  "Unrecognized remote plugin message: \nFailed to read any lines from plugin's stdout",
		"slow-start:1h,weird-log": "",
	} {
		t.Run(misbehave, func(t *testing.T) {
			_, err := plug(t, misbehave)
			if got := strings.TrimSpace(errorText(err)); !strings.HasPrefix(got, want) || (err == nil) != (want == "") {
				t.Errorf("got %s; want %s", got, want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestHealthAndDrain(t *testing.T) {
	for misbehave, want := range map[string]string{
		"":             "",
		"unhealthy":    "unhealthy, as asked",
		"hung-health":  "the health check did not return within",
		"ignore-drain": "",

		"unready-while:/dev/null":  "unready, as asked",
		"unready-while:/nowhere/%": "",
	} {
		t.Run(misbehave, func(t *testing.T) {
			w, err := plug(t, misbehave)
			must(t, err)
			_, err = w.Start(t.Context(), &control.StartRequest{Backends: []string{"ipc:///nowhere/x"}})
			must(t, err)
			var health *control.HealthReply
			await.Until(t, "an answer of its own check", func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				health, err = w.Health(ctx, &control.HealthRequest{})
				must(t, err)
				return health.Ready || !strings.HasPrefix(health.Reason, "it ")
			})
			if health.Ready != (want == "") || !strings.HasPrefix(health.Reason, want) {
				t.Errorf("got %v; want %s", health, want)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err = w.Drain(ctx, &control.DrainRequest{})
			if ignored := status.Code(err) == codes.DeadlineExceeded; ignored != (misbehave == "ignore-drain") {
				t.Errorf("Drain: %v", err)
			}
		})
	}
}

func TestAlive(t *testing.T) {
	for misbehave, want := range map[string]string{"": "", "dead-while:/proc/self/fd/%": "dead, as asked", "dead-while:/nowhere/%": ""} {
		t.Run(misbehave, func(t *testing.T) {
			t.Setenv(control.EnvWorker, "hello/0#1")
			w, err := plug(t, misbehave)
			must(t, err)
			_, err = w.Start(t.Context(), &control.StartRequest{Backends: []string{"ipc:///nowhere/x"}})
			must(t, err)
			await.Until(t, "it to have been set up", func() bool {
				health, err := w.Health(t.Context(), &control.HealthRequest{})
				must(t, err)
				return health.Ready
			})
			if alive, err := w.Alive(t.Context(), &control.AliveRequest{}); err != nil || alive.Alive != (want == "") || alive.Reason != want {
				t.Errorf("got %v, %v; want %s", alive, err, want)
			}
		})
	}
}

// The documentation is what people use this worker by: every word and trick is in it.
func TestDocumentation(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	must(t, err)
	doc := file.Doc.Text()
	for word := range words {
		if !strings.Contains(doc, "\t"+word+" ") {
			t.Errorf("the word %q is not in it", word)
		}
	}
	for name := range tricks {
		if !strings.Contains(doc, "\t"+name) {
			t.Errorf("the trick %q is not in it", name)
		}
	}
}
