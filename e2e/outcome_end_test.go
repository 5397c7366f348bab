package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

// The rows of docs/delivery.md about ends that somebody asked for, from both sides.

// A worker that is scaled away, or stopped with its fleet, first answers what it has.
func TestStoppedWorkerAnswers(t *testing.T) {
	for name, stop := range map[string][]string{"scale": {"scale", "echo=0"}, "down": {"down"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := up(t, misbehaving(1, ""))
			c := f.connect(t, zmq4.REQ)
			send(t, c, "sleep 500ms")
			w := f.busy(t)
			if out, err := f.zfleet(t, stop...); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			expect(t, c, "slept 500ms")
			f.logged(t, w.Name, `"event":"exited"`, "stopped as asked: drained")
		})
	}
}

// When grace is over, what has no answer yet gets an error: both what a worker has and what waits.
func TestDownWithGraceOver(t *testing.T) {
	t.Parallel()
	f := up(t, command(1, "exec "+os.Args[0])+"grace = \"300ms\"\n[service.echo.delivery]\nprefetch = 1\n")
	running, waiting := f.connect(t, zmq4.REQ), f.connect(t, zmq4.REQ)
	send(t, running, hangOnce, filepath.Join(t.TempDir(), "hung"))
	f.busy(t)
	send(t, waiting, "echo too late")
	f.until(t, "the other to wait", func(s admin.Service) bool { return s.Queued == 1 })
	if out, err := f.zfleet(t, "down"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, c := range []*zmq4.Socket{running, waiting} {
		if e := failed(t, receive(t, c)); e.Code != "UNAVAILABLE" || e.Message != "the service is shutting down" {
			t.Errorf("the client got %+v", e)
		}
	}
	f.logged(t, `"level":"warn"`, "grace of 300ms is over, and not all requests are answered")
}

// Told to end at once, a fleet answers nobody, and says no more of it than what was asked.
func TestDownNow(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	ended := make(chan struct{}, 10)
	c := f.connect(t, zmq4.REQ, disconnects(t, ended))
	send(t, c, "hang")
	f.busy(t)
	if out, err := f.zfleet(t, "down", "--now"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	await.Until(t, "the client's connection to end", func() bool { return len(ended) > 0 })
	f.logged(t, "echo/0#1", "asked to end at once")
	if n := f.logs(`"level":"warn"`) + f.logs(`"level":"error"`); n > 0 {
		t.Errorf("%d warnings and errors", n)
	}
}

// When the supervisor is killed the fleet answers what it has for a second; then the port is closed.
func TestSupervisorKilledThenPortClosed(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	c := f.connect(t, zmq4.REQ)
	send(t, c, "sleep 300ms")
	f.busy(t)
	if err := f.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	reply := receive(t, c)
	if reply[0] != "slept 300ms" && failed(t, reply).Code != "UNAVAILABLE" {
		t.Errorf("the client got %q", reply)
	}
	await.Until(t, "the port to be closed", func() bool { return !f.open() })
	f.again(t).ask(t, "again")
}
