package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

// down answers what it has, and leaves no process.
func TestDown(t *testing.T) {
	t.Parallel()
	f := up(t, kinds["plugin"]())
	s, err := f.ps(t)
	if err != nil {
		t.Fatal(err)
	}
	left := append(pids(s), s.Proxy.Pid)
	if out, err := f.zfleet(t, "down"); err != nil {
		t.Errorf("down: %v\n%s", err, out)
	}
	<-f.ended
	if f.err != nil {
		t.Errorf("zfleet up: %v", f.err)
	}
	if i := slices.IndexFunc(left, alive); i >= 0 {
		t.Errorf("process %d is left", left[i])
	}
}

// A request that a worker has when the supervisor is killed is not finished any more, but its client is told.
func TestSupervisorKilledUnderWay(t *testing.T) {
	t.Parallel()
	for range 5 {
		f := up(t, "plugin = \"misbehave\"\ncount = 1\n")
		reply := make(chan []string)
		go func() { reply <- f.request(t, "sleep 1h") }()
		f.until(t, "the request to be at the worker", func(s admin.Service) bool { return s.Workers[0].Inflight == 1 })
		f.signal(t, syscall.SIGKILL)
		if got := strings.Join(<-reply, ""); !strings.Contains(got, "UNAVAILABLE") {
			t.Errorf("the client got %q", got)
		}
	}
}

// After kill -9 of the supervisor no process is left, and the next one takes the same ports at once.
func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	for name, workers := range kinds {
		t.Run(name, func(t *testing.T) {
			f := up(t, workers())
			s, err := f.ps(t)
			if err != nil {
				t.Fatal(err)
			}
			f.signal(t, syscall.SIGKILL)
			left := append(pids(s), s.Proxy.Pid)
			again := f.again(t)
			await.Until(t, "all processes to be gone", func() bool { return !slices.ContainsFunc(left, alive) })
			again.ask(t, "again")
		})
	}
}
