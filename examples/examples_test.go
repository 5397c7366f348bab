// Package examples tests that every example client works with every example worker.
package examples

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"
	"github.com/zfleet/zfleet/workerkit/control"
)

// programs are the commands of one language.
type programs struct {
	language       string
	client, worker []string
}

func TestEveryClientWithEveryWorker(t *testing.T) {
	all := []programs{buildGo(t), python(t), buildC(t)}
	for _, w := range all {
		frontend, backend := proxy(t)
		start(t, w.worker, backend)
		for _, c := range all {
			t.Run(c.language+" client, "+w.language+" worker", func(t *testing.T) {
				want := ""
				for i := range 10 {
					want += fmt.Sprintf("Received reply %d [World, from %s]\n", i+1, w.language)
				}
				if got := run(t, c.client, frontend); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// A client whose request is lost asks again, and does not take the late reply to the first for the reply to the second.
func TestAClientAsksAgain(t *testing.T) {
	for _, c := range []programs{buildGo(t), python(t), buildC(t)} {
		t.Run(c.language, func(t *testing.T) {
			t.Parallel()
			frontend, err := zmq.NewSocket(zmq.ROUTER)
			must(t, err)
			defer func() { must(t, frontend.Close()) }()
			must(t, errors.Join(frontend.SetLinger(0), frontend.SetRcvtimeo(30*time.Second), frontend.Bind("tcp://127.0.0.1:*")))
			endpoint, err := frontend.GetLastEndpoint()
			must(t, err)
			answered := make(chan error)
			go func() { answered <- answerLate(frontend) }()
			want := "Received reply 1 [second]\nReceived reply 2 [more]\n"
			if got := run(t, c.client, endpoint); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 10 {
				t.Errorf("got\n%s\nwant\n%s…", got, want)
			}
			must(t, <-answered)
		})
	}
}

// answerLate answers a client's first request when the second has come. There are eleven: ten, and the first again.
func answerLate(frontend *zmq.Socket) error {
	var late []string
	for i := range 11 {
		request, err := frontend.RecvMessage(0)
		if err != nil {
			return err
		}
		envelope := request[:len(request)-1]
		switch i {
		case 0:
			late = envelope
			continue
		case 1:
			_, err = frontend.SendMessage(late, "first")
			_, err2 := frontend.SendMessage(envelope, "second")
			err = errors.Join(err, err2)
		default:
			_, err = frontend.SendMessage(envelope, "more")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func buildGo(t *testing.T) programs {
	t.Helper()
	bin := t.TempDir()
	output(t, exec.Command("go", "build", "-o", bin, "./go/client", "./go/worker"))
	return programs{"Go", []string{filepath.Join(bin, "client")}, []string{filepath.Join(bin, "worker")}}
}

func buildC(t *testing.T) programs {
	t.Helper()
	bin := t.TempDir()
	flags := strings.Fields(output(t, exec.Command("pkg-config", "--cflags", "--libs", "libzmq")))
	for _, name := range []string{"client", "worker"} {
		args := []string{"-Wall", "-Wextra", "-Werror", "-o", filepath.Join(bin, name), "c/" + name + ".c"}
		output(t, exec.Command("cc", append(args, flags...)...))
	}
	return programs{"C", []string{filepath.Join(bin, "client")}, []string{filepath.Join(bin, "worker")}}
}

// python finds an interpreter that has pyzmq.
func python(t *testing.T) programs {
	t.Helper()
	for _, interpreter := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(interpreter, "-c", "import zmq").Run() == nil {
			return programs{"Python", []string{interpreter, "python/client.py"}, []string{interpreter, "python/worker.py"}}
		}
	}
	t.Fatal("no python3 with pyzmq was found; apt install python3-zmq")
	return programs{}
}

// output runs a command and returns what it prints to standard output.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, &stdout, &stderr)
	}
	return stdout.String()
}

// run runs a client against a frontend.
func run(t *testing.T, client []string, frontend string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return output(t, exec.CommandContext(ctx, client[0], slices.Concat(client[1:], []string{frontend})...))
}

// start runs a worker as zfleet runs a plain command, until the test ends.
func start(t *testing.T, worker []string, backend string) {
	t.Helper()
	cmd := exec.Command(worker[0], worker[1:]...)
	cmd.Env = append(os.Environ(), control.EnvBackend+"="+backend)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// proxy runs libzmq's own proxy until the test ends.
func proxy(t *testing.T) (frontend, backend string) {
	t.Helper()
	zctx, err := zmq.NewContext()
	must(t, err)
	front, frontend := bind(t, zctx, zmq.ROUTER, "tcp://127.0.0.1:*")
	back, backend := bind(t, zctx, zmq.DEALER, "tcp://127.0.0.1:*")
	done := make(chan error)
	go func() {
		_ = zmq.Proxy(front, back, nil) // it ends with its context
		done <- errors.Join(front.Close(), back.Close())
	}()
	t.Cleanup(func() {
		terminated := make(chan error)
		go func() { terminated <- zctx.Term() }()
		must(t, <-done)
		must(t, <-terminated)
	})
	return frontend, backend
}

func bind(t *testing.T, zctx *zmq.Context, kind zmq.Type, endpoint string) (*zmq.Socket, string) {
	t.Helper()
	s, err := zctx.NewSocket(kind)
	must(t, err)
	must(t, errors.Join(s.SetLinger(0), s.Bind(endpoint)))
	bound, err := s.GetLastEndpoint()
	must(t, err)
	return s, bound
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
