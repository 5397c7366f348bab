package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

const (
	workersAtFirst = 3
	maxMessage     = 8 << 20
	patience       = time.Minute // what takes longer than this on a busy machine does not come
)

// fleet is `zfleet up` with two services: one of plugins, one of a REP program that knows nothing of zfleet.
type fleet struct {
	dir, bin string
	client   *admin.Client
	cmd      *exec.Cmd
	log      *logFile
	ended    chan struct{}
	services []service
}

type service struct{ name, frontend, backend string }

// write makes the fleet file: two services of so many workers, and maybe a third, a guest whom nobody asks anything.
func (f *fleet) write(workers int, guest bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	plugin := fmt.Sprintf("plugin = \"misbehave\"\nconcurrency = 2\nenv = { MISBEHAVE = %q }", "unready-while:"+f.unready("%"))
	command := fmt.Sprintf("command = [%q]\nenv = { %s = %q }", self, asWorker, f.services[1].backend)
	text := fmt.Sprintf("name = \"chaos\"\nplugin_dir = %q\n", f.bin) + f.services[0].config(plugin, workers) + f.services[1].config(command, workers)
	if guest {
		text += service{"guest", "tcp://127.0.0.1:*", "ipc://*"}.config(plugin, 1)
	}
	return os.WriteFile(f.file(), []byte(text), 0o600)
}

// unready is a file: while it is there, the plugin in that slot says that it is not ready.
func (f *fleet) unready(slot string) string { return filepath.Join(f.dir, "unready-"+slot) }

func (f *fleet) file() string { return filepath.Join(f.dir, "fleet.toml") }

// Attempts are as many as there can be: no request may be given up because chaos met it again and again.
func (s service) config(worker string, count int) string {
	return fmt.Sprintf(`
[service.%[1]s]
frontend = %[2]q
backend = %[3]q
[service.%[1]s.workers]
%[4]s
count = %[6]d
grace = "5s"
[service.%[1]s.delivery]
attempts = 1000
timeout = "1s"
max_message = %[5]d
heartbeat = "200ms"
heartbeat_timeout = "2s"
[service.%[1]s.health]
interval = "500ms"
timeout = "1s"
ready = { interval = "50ms" }
probe = "sleep 1ms"
reply = "slept 1ms"
[service.%[1]s.restart]
delay = "10ms"
max_delay = "200ms"
failures = 1000
`, s.name, s.frontend, s.backend, worker, maxMessage, count)
}

func startFleet(ctx context.Context, dir string, s settings) (*fleet, error) {
	bin, err := filepath.Abs(s.bin)
	if s.bin == "" {
		bin = filepath.Join(dir, "bin")
		err = build(ctx, bin, s.race)
	}
	if err != nil {
		return nil, err
	}
	f := &fleet{dir: dir, bin: bin, ended: make(chan struct{})}
	for _, name := range []string{"plugin", "command"} {
		svc := service{name: name}
		for _, port := range []*string{&svc.frontend, &svc.backend} {
			var err error
			if *port, err = freePort(); err != nil {
				return nil, err
			}
		}
		f.services = append(f.services, svc)
	}
	if err := f.write(workersAtFirst, false); err != nil {
		return nil, err
	}
	if f.log, err = newLogFile(filepath.Join(dir, "up.log")); err != nil {
		return nil, err
	}
	f.client = admin.NewClient(f.socket())
	if err = f.up(ctx); err == nil {
		_, err = f.until(ctx, "the fleet to be up", isUp)
	}
	if err != nil {
		f.kill()
		return nil, fmt.Errorf("%w\n%s", err, f.log.tail(40))
	}
	return f, nil
}

func (f *fleet) socket() string { return filepath.Join(f.dir, "admin.sock") }

// up starts a supervisor, and waits until it answers.
func (f *fleet) up(ctx context.Context) error {
	cmd, ended := exec.Command(filepath.Join(f.bin, "zfleet"), "up", f.file(), "--socket", f.socket()), make(chan struct{})
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+f.dir, "XDG_STATE_HOME="+f.dir, "GORACE=atexit_sleep_ms=0")
	cmd.Stdout, cmd.Stderr = f.log.file, f.log.file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	f.cmd, f.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // its status is in cmd.ProcessState
		close(ended)
	}()
	_, err := f.until(ctx, "the supervisor to answer", func(admin.Status) bool { return true })
	return err
}

// build makes zfleet and the plugin in dir, which it makes too.
func build(ctx context.Context, dir string, race bool) error {
	for _, name := range []string{"cmd/zfleet", "plugins/misbehave"} {
		args := []string{"build", "-pgo=off", "-o", filepath.Join(dir, filepath.Base(name))}
		if race {
			args = append(args, "-race")
		}
		out, err := exec.CommandContext(ctx, "go", append(args, "github.com/zfleet/zfleet/"+name)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("cannot build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// freePort is a port that nobody had a moment ago.
func freePort() (string, error) {
	port, err := await.Port()
	return fmt.Sprintf("tcp://127.0.0.1:%d", port), err
}

func isUp(s admin.Status) bool {
	for _, svc := range s.Services {
		if svc.Ready != svc.Want || svc.Ready == 0 || svc.Proxy.State != "ready" {
			return false
		}
	}
	return true
}

// until waits for the fleet to be as ok says.
func (f *fleet) until(ctx context.Context, what string, ok func(admin.Status) bool) (admin.Status, error) {
	for end := time.Now().Add(patience); ; {
		status, err := f.client.Status(ctx)
		switch {
		case err == nil && ok(status):
			return status, nil
		case ctx.Err() != nil:
			return status, ctx.Err()
		case time.Now().After(end):
			return status, fmt.Errorf("waited in vain for %s: %+v (%v)", what, status, err)
		}
		select {
		case <-f.ended:
			return status, fmt.Errorf("waited for %s: zfleet up has ended: %v", what, f.cmd.ProcessState)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// down ends the fleet as an operator does.
func (f *fleet) down(ctx context.Context) error {
	if err := f.client.Down(ctx, admin.DownRequest{}); err != nil {
		return err
	}
	f.client.Close()
	select {
	case <-f.ended:
	case <-time.After(patience):
		f.kill()
		return errors.New("zfleet up does not end")
	}
	if !f.cmd.ProcessState.Success() {
		return fmt.Errorf("zfleet up ended with %v", f.cmd.ProcessState)
	}
	return nil
}

// kill is for a run that has failed already: it looks at nothing.
func (f *fleet) kill() {
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-f.ended:
	case <-time.After(20 * time.Second):
		_ = f.cmd.Process.Kill()
		<-f.ended
	}
}
