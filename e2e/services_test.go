package e2e

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"
	"github.com/prometheus/procfs"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

// another is a second service of a fleet: what stands in its file, and where clients connect.
func another(t *testing.T) (toml, frontend string) {
	t.Helper()
	frontend = fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t))
	return fmt.Sprintf("[service.other]\nfrontend = %q\nbackend = \"ipc://*\"\n[service.other.workers]\nplugin = \"misbehave\"\n", frontend), frontend
}

// become puts other text into the fleet's file and reloads.
func (f *fleet) become(t *testing.T, toml, steps string) {
	t.Helper()
	if err := os.WriteFile(f.file, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := f.zfleet(t, "reload"); err != nil || string(out) != steps {
		t.Fatalf("reload: %v\n%s", err, out)
	}
}

// Services come and go while another one is under load, and no request is lost on either: what the one that goes has read is answered. It
// leaves no process, no port and no descriptor, however often.
func TestServicesComeAndGoUnderLoad(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 2\n")
	l := startLoad(t, f.frontend, 4)
	text, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	one := string(text)
	other, frontend := another(t)
	var descriptors, goroutines int
	for cycle := range 6 {
		f.become(t, one+other, "add other\n")
		c := plug(t, zmq4.DEALER, frontend)
		const requests = 5
		for n := range requests {
			send(t, c, "", "sleep 100ms", itoa(n))
		}
		await.Until(t, "all requests to be read", func() bool {
			status, err := f.client.Status(t.Context())
			return err == nil && len(status.Services) == 2 && status.Services[1].Counters.Requests == requests
		})
		f.become(t, one, "remove other\n")
		for n := range requests {
			expect(t, c, "", "slept 100ms", itoa(n))
		}
		if at, err := net.Listen("tcp", strings.TrimPrefix(frontend, "tcp://")); err != nil {
			t.Errorf("the port is not free: %v", err)
		} else {
			_ = at.Close()
		}
		_ = c.Close()
		l.progress(20)
		if cycle == 1 {
			descriptors, goroutines = f.holds(t)
		}
	}
	l.stop()
	await.Until(t, "descriptors and goroutines to be as few as before", func() bool {
		fds, gos := f.holds(t)
		return fds <= descriptors+2 && gos <= goroutines+5 // those of a connection more or less: four services have come and gone since
	})
	if left := f.ofService(t, "other"); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	status, err := f.client.Status(t.Context())
	if err != nil || len(status.Services) != 1 {
		t.Fatalf("%+v, %v", status, err)
	}
	if s := status.Services[0]; s.Ready != 2 || lifeSum(s) != 2 || s.Counters.Redelivered != 0 {
		t.Errorf("the service that stayed: %+v", s)
	}
	out, err := f.zfleet(t, "events", "--service", "other", "-n", "all")
	for _, kind := range []string{"service_added", "service_going", "service_gone"} {
		if n := strings.Count(string(out), " "+kind+" "); err != nil || n != 6 {
			t.Errorf("%d events are %s (%v)\n%s", n, kind, err, out)
		}
	}
}

// holds is how many descriptors and goroutines the supervisor has.
func (f *fleet) holds(t *testing.T) (descriptors, goroutines int) {
	t.Helper()
	status, err := f.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := procfs.NewProc(status.Supervisor.Pid)
	if err == nil {
		descriptors, err = p.FileDescriptorsLen()
	}
	if err != nil {
		t.Fatal(err)
	}
	return descriptors, status.Supervisor.Goroutines
}

// ofService is the processes of this fleet that have a service's name in their command line or environment.
func (f *fleet) ofService(t *testing.T, service string) (left []string) {
	t.Helper()
	processes, err := procfs.AllProcs()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		environ, _ := p.Environ()
		args, _ := p.CmdLine()
		all := strings.Join(append(environ, args...), "\n")
		if strings.Contains(all, f.env[0]) && (strings.Contains(all, "ZFLEET_SERVICE="+service) || strings.Contains(all, "--name\n"+service+"\n")) {
			left = append(left, fmt.Sprint(p.PID, args))
		}
	}
	return left
}

// A reload that cannot be done in any part changes nothing: the port of the new service is taken.
func TestReloadWithAPortThatIsTaken(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 1\n")
	text, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	other, frontend := another(t)
	at, err := net.Listen("tcp", strings.TrimPrefix(frontend, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = at.Close() }()
	more := strings.Replace(string(text), "count = 1", "count = 3", 1)
	if err := os.WriteFile(f.file, []byte(more+other), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = f.zfleet(t, "reload")
	if want := fmt.Sprintf("cannot listen on %s: the port is taken by", frontend); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("reload: %v", err)
	}
	f.until(t, "the service that there was", func(s admin.Service) bool { return s.Name == "echo" && s.Want == 1 && s.Ready == 1 })
}
