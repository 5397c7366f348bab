package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

// fleet is a running `zfleet up` with one service, echo.
type fleet struct {
	*process
	client            *admin.Client
	file              string
	program           string   // that runs it
	env               []string // keeps it apart from other fleets
	frontend, backend string
}

func itoa(n int) string { return strconv.Itoa(n) }

// freePort is a port that nobody had a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := await.Port()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// up starts a fleet whose [service.echo.workers] are as given; BACKEND in them is the backend. Its proxy ends with the supervisor.
func up(t *testing.T, workers string) *fleet {
	t.Helper()
	return upWith(t, "orphan_grace = \"0s\"", workers)
}

// upWith is up with lines for the top of the file.
func upWith(t *testing.T, top, workers string) *fleet {
	t.Helper()
	return upAs(t, filepath.Join(bin, "zfleet"), top, workers)
}

// upAs is upWith of another program.
func upAs(t *testing.T, program, top, workers string) *fleet {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	f := &fleet{
		client:   admin.NewClient(filepath.Join(dir, "zfleet", "e2e", "admin.sock")),
		file:     filepath.Join(dir, "fleet.toml"),
		program:  program,
		env:      []string{"XDG_RUNTIME_DIR=" + dir, "XDG_STATE_HOME=" + filepath.Join(dir, "state")},
		frontend: fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t)),
		backend:  fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t)),
	}
	toml := fmt.Sprintf("name = \"e2e\"\nplugin_dir = %q\n%s\n[service.echo]\nfrontend = %q\nbackend = %q\n[service.echo.workers]\n%s",
		bin, top, f.frontend, f.backend, strings.ReplaceAll(workers, "BACKEND", f.backend))
	if err := os.WriteFile(f.file, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.Close)
	f.start(t)
	f.until(t, "the fleet to be up", isUp)
	return f
}

func (f *fleet) start(t *testing.T) {
	t.Helper()
	f.process = start(t, f.env, f.program, "up", f.file)
}

func isUp(s admin.Service) bool { return s.Ready == s.Want && s.Ready > 0 }

// again starts a fleet that has ended, as a service manager does: until it stays.
func (f *fleet) again(t *testing.T) *fleet {
	t.Helper()
	again := *f
	again.start(t)
	await.Until(t, "the fleet to be up again", func() bool {
		select {
		case <-again.ended:
			again.start(t)
		default:
		}
		s, err := again.ps(t)
		return err == nil && isUp(s)
	})
	return &again
}

// zfleet runs a command on the fleet.
func (f *fleet) zfleet(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "zfleet"), append(args, "--file", f.file)...)
	cmd.Env = append(os.Environ(), f.env...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return out, err
}

// ps is the service as `zfleet ps -o json` has it, without a process for each look.
func (f *fleet) ps(t *testing.T) (s admin.Service, err error) {
	t.Helper()
	status, err := f.client.Status(t.Context())
	if err != nil {
		return s, err
	}
	return status.Services[0], nil
}

// until waits for the service to be as ok says.
func (f *fleet) until(t *testing.T, what string, ok func(admin.Service) bool) {
	t.Helper()
	var last admin.Service
	defer func() {
		if t.Failed() {
			t.Logf("%s: %+v", what, last)
		}
	}()
	await.Until(t, what, func() bool {
		select {
		case <-f.ended:
			t.Fatalf("zfleet up has ended: %v", f.err)
		default:
		}
		s, err := f.ps(t)
		last = s
		return err == nil && ok(s)
	})
}

// scale changes the number of workers and waits until they are ready.
func (f *fleet) scale(t *testing.T, to string) {
	t.Helper()
	if out, err := f.zfleet(t, "scale", to); err != nil {
		t.Fatalf("scale %s: %v\n%s", to, err, out)
	}
}

// pids of the workers that are ready.
func pids(s admin.Service) (all []int) {
	for _, w := range s.Workers {
		if w.State == "ready" {
			all = append(all, w.Pid)
		}
	}
	return all
}
