package workerkit_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/workerkit/control"
)

// tested is a worker process.
type tested struct {
	t        *testing.T
	cmd      *exec.Cmd
	exited   <-chan struct{}
	stderr   *output
	lifeline *os.File // the supervisor's end
}

// command makes one of the testWorkers into a process that is not started yet.
func command(t *testing.T, worker string, args []string, env ...string) *tested {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { _, _ = read.Close(), write.Close() })
	cmd := exec.Command(os.Args[0], args...)
	// The race detector would sleep for a second at every exit.
	cmd.Env = append(os.Environ(), "TEST_WORKER="+worker, control.EnvLifeline+"=3", "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, env...)
	cmd.ExtraFiles = []*os.File{read}
	return &tested{t: t, cmd: cmd, stderr: &output{}, lifeline: write}
}

// start starts it as a plain command.
func (p *tested) start() *tested {
	p.t.Helper()
	if p.cmd.Stderr == nil {
		p.cmd.Stderr = p.stderr
	}
	must(p.t, p.cmd.Start())
	exited := make(chan struct{})
	p.exited = exited
	go func() {
		_ = p.cmd.Wait() // the tests look at ProcessState
		close(exited)
	}()
	p.t.Cleanup(p.kill)
	return p
}

func (p *tested) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	if log := p.stderr.String(); strings.Contains(log, "DATA RACE") {
		p.t.Error(log)
	}
}

// signal sends it a signal.
func (p *tested) signal(s os.Signal) {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(s))
}

// expectExit waits for its end.
func (p *tested) expectExit(code int) {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("it has not ended; its log:\n%s", p.stderr)
	}
	if got := p.cmd.ProcessState; got.ExitCode() != code {
		p.t.Fatalf("it ended with %s; want status %d; its log:\n%s", got, code, p.stderr)
	}
}

// expectLog waits for a text in what it wrote to standard error.
func (p *tested) expectLog(text string) {
	p.t.Helper()
	await.Until(p.t, "the log to say "+text, func() bool { return strings.Contains(p.stderr.String(), text) })
}

// plugged is a worker process that runs as a plugin.
type plugged struct {
	*tested
	client  *plugin.Client
	control *control.Client
	synced  *output // what came through go-plugin's own pipes
	sockets string  // the folder of its control socket
}

func startPlugin(t *testing.T, worker string, env ...string) *plugged {
	t.Helper()
	sockets, err := os.MkdirTemp("", "zf")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	p := &plugged{tested: command(t, worker, nil, append(env, plugin.EnvUnixSocketDir+"="+sockets)...), synced: &output{}, sockets: sockets}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  control.Handshake,
		Plugins:          control.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              p.cmd,
		Stderr:           p.stderr,
		SyncStdout:       p.synced,
		SyncStderr:       p.synced,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
	})
	conn, err := p.client.Client()
	if err != nil {
		t.Fatalf("%v; its log:\n%s", err, p.stderr)
	}
	raw, err := conn.Dispense(control.PluginName)
	must(t, err)
	p.control = raw.(*control.Client)
	p.exited = p.control.Gone()
	t.Cleanup(p.client.Kill)
	t.Cleanup(p.kill)
	return p
}

// begin tells it to connect to h.
func (p *plugged) begin(h *hub) *control.StartReply {
	p.t.Helper()
	reply, err := p.control.Start(p.t.Context(), &control.StartRequest{Worker: "hello/3#7", Service: "hello", Backends: []string{h.endpoint}})
	must(p.t, err)
	return reply
}

func (p *plugged) health(timeout time.Duration) *control.HealthReply {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), timeout)
	defer cancel()
	reply, err := p.control.Health(ctx, &control.HealthRequest{})
	must(p.t, err)
	return reply
}

func (p *plugged) alive(timeout time.Duration) *control.AliveReply {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), timeout)
	defer cancel()
	reply, err := p.control.Alive(ctx, &control.AliveRequest{})
	must(p.t, err)
	return reply
}

// output is a buffer that a process may write to while the test reads.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (o *output) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Len()
}

// gate is a file that a worker waits for.
type gate struct {
	t    *testing.T
	path string
}

func newGate(t *testing.T) gate { return gate{t, t.TempDir() + "/open"} }

func (g gate) open() {
	g.t.Helper()
	must(g.t, os.WriteFile(g.path, nil, 0o600))
}

func (g gate) wait() []byte { return []byte("wait " + g.path) }

// files lists a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
