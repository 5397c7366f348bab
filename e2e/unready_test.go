package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
)

// switched is a worker's trick that a file turns on and off.
type switched struct {
	t    *testing.T
	path string // % is the slot
}

func newSwitch(t *testing.T) switched { return switched{t, filepath.Join(t.TempDir(), "slot-%")} }

func (s switched) file(slot int) string { return strings.ReplaceAll(s.path, "%", itoa(slot)) }

func (s switched) on(slot int) {
	s.t.Helper()
	if err := os.WriteFile(s.file(slot), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s switched) off(slot int) {
	s.t.Helper()
	if err := os.Remove(s.file(slot)); err != nil {
		s.t.Fatal(err)
	}
}

// tricky is so many plugins with a trick that can be switched, asked often.
func tricky(count int, trick string, s switched) string {
	return misbehaving(count, "env = { MISBEHAVE = \""+trick+":"+s.path+"\" }\n[service.echo.health]\ninterval = \"50ms\"\n")
}

// A worker that says that it is not ready gets nothing new under load, and loses nothing; when it is ready again it gets its share.
func TestWorkerNotReady(t *testing.T) {
	t.Parallel()
	ready := newSwitch(t)
	f := up(t, tricky(2, "unready-while", ready))
	l := startLoad(t, f.frontend, 4)
	f.until(t, "both to work", func(s admin.Service) bool { return s.Workers[0].Answered > 20 && s.Workers[1].Answered > 20 })
	ready.on(0)
	f.until(t, "it to be not ready", func(s admin.Service) bool {
		return s.Workers[0].State == "unready" && s.Workers[0].Reason == "its health check says: unready, as asked"
	})
	var answered uint64
	f.until(t, "it to get nothing", func(s admin.Service) bool { // the proxy hears of it at that time
		before := answered
		answered = s.Workers[0].Answered
		l.progress(20)
		return before == answered && s.Workers[0].Inflight == 0
	})
	l.progress(200)
	if s, err := f.ps(t); err != nil || s.Workers[0].Answered != answered || s.Workers[0].Inflight > 0 {
		t.Errorf("it had answered %d when it had nothing left, then %+v, %v", answered, s.Workers[0], err)
	}
	ready.off(0)
	f.until(t, "it to work again", func(s admin.Service) bool { return isUp(s) && s.Workers[0].Answered > answered+20 })
	l.stop()
	s, err := f.ps(t)
	if err != nil || s.Workers[0].Restarts != 0 || s.Workers[1].Restarts != 0 || s.Counters.Redelivered+s.Counters.Failed != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	why := f.says(t, "events", "-n", "all")
	for _, words := range []string{"not ready: its health check says: unready, as asked", "ready again"} {
		if !strings.Contains(why, words) {
			t.Errorf("its events do not say %q:\n%s", words, why)
		}
	}
}

// From its start on a worker gets nothing until it says that it is ready; and when none is, requests wait and the service says so.
func TestNoWorkerReady(t *testing.T) {
	t.Parallel()
	ready := newSwitch(t)
	f := up(t, tricky(1, "unready-while", ready))
	ready.on(0)
	f.until(t, "the service to be degraded", func(s admin.Service) bool {
		return strings.HasPrefix(s.Degraded, "no worker is ready, requests wait: 1 of 1 say themselves that they are not (echo/0#1: ")
	})
	c := f.connect(t, zmq4.REQ)
	send(t, c, "echo hello")
	f.until(t, "it to wait", func(s admin.Service) bool { return s.Queued == 1 })
	ready.on(1)
	if out, err := f.zfleet(t, "scale", "echo=2", "--no-wait"); err != nil {
		t.Fatalf("scale: %v\n%s", err, out)
	}
	f.until(t, "the next to be started, and not ready", func(s admin.Service) bool {
		return len(s.Workers) == 2 && s.Workers[1].Reason == "its health check says: unready, as asked"
	})
	if s, err := f.ps(t); err != nil || s.Queued != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	ready.off(1)
	expect(t, c, "hello")
	f.until(t, "it to be well", func(s admin.Service) bool { return s.Degraded == "" && s.Workers[1].Answered == 1 })
	f.logged(t, `"event":"degraded"`)
	f.logged(t, `"event":"well"`, "1 of 2 workers are ready")
}

// A worker that says that it is not alive is killed and started again; what it had goes to another.
func TestWorkerNotAlive(t *testing.T) {
	t.Parallel()
	alive := newSwitch(t)
	f := up(t, tricky(2, "dead-while", alive))
	l := startLoad(t, f.frontend, 4)
	alive.on(0)
	f.until(t, "it to be killed", func(s admin.Service) bool { return s.Workers[0].Restarts > 0 })
	alive.off(0)
	f.until(t, "it to be back", isUp)
	l.progress(50)
	l.stop()
	if why := f.says(t, "why", "echo/0"); !strings.Contains(why, "killed: alive check failed 3/3: it says: dead, as asked") {
		t.Errorf("it says\n%s", why)
	}
}
