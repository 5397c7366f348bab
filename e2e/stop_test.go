package e2e

import (
	"slices"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// beating fleets notice within half a second that a worker's process stands still.
const beating = "[service.echo.delivery]\nheartbeat = \"50ms\"\nheartbeat_timeout = \"500ms\"\n"

// A stopped process keeps its connections: only heartbeats can tell. What it held is answered by others.
func TestForeignWorkerStopped(t *testing.T) {
	f := up(t, kinds["plugin"]()+beating)
	l := startLoad(t, f.frontend, 8)
	foreign := f.foreign(t)
	holds := func(s admin.Service) bool {
		return slices.ContainsFunc(s.Foreign, func(ln admin.Lane) bool { return ln.Pid == foreign.Process.Pid && ln.Answered > 0 })
	}
	f.until(t, "the foreign worker to answer", holds)
	foreign.signal(t, syscall.SIGSTOP)
	f.until(t, "its lane to be lost", func(s admin.Service) bool { return len(s.Foreign) == 0 })
	l.progress(100)
	foreign.signal(t, syscall.SIGCONT)
	f.until(t, "it to answer again", holds)
	l.stop()
}

// A worker of the fleet that stands still is replaced.
func TestWorkerStopped(t *testing.T) {
	f := up(t, kinds["plugin"]()+beating+"[service.echo.health]\ninterval = \"100ms\"\ntimeout = \"200ms\"\nfailures = 2\n")
	l := startLoad(t, f.frontend, 8)
	before := f.worker(t, 1)
	if err := syscall.Kill(before.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	f.until(t, "another process in its place", func(s admin.Service) bool {
		return s.Ready == 3 && s.Workers[1].Pid != before.Pid && s.Workers[1].Restarts == 1
	})
	l.progress(100)
	l.stop()
}
