package e2e

import (
	"slices"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// The number of workers changes under load, by command and by signal: counts are exact, nothing is lost, no client's connection ends.
func TestScaleUnderLoad(t *testing.T) {
	for name, workers := range kinds {
		t.Run(name, func(t *testing.T) {
			f := up(t, workers())
			l := startLoad(t, f.frontend, 8)
			exactly := func(n int) {
				t.Helper()
				f.until(t, itoa(n)+" workers", func(s admin.Service) bool { return s.Want == n && s.Ready == n && len(s.Workers) == n })
				l.progress(50)
			}
			f.scale(t, "echo=8")
			exactly(8)
			f.scale(t, "echo=1")
			exactly(1)
			f.signal(t, syscall.SIGTTIN)
			exactly(2)
			f.signal(t, syscall.SIGTTIN)
			exactly(3)
			f.signal(t, syscall.SIGTTOU)
			exactly(2)
			f.scale(t, "echo=+3")
			exactly(5)
			l.stop()
		})
	}
}

// Workers that are scaled away have answered all they got: nothing is delivered twice.
func TestScaleDownRunsNothingTwice(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 8\n")
	l := startLoad(t, f.frontend, 8)
	for range 3 {
		l.progress(200)
		f.scale(t, "echo=1")
		f.scale(t, "echo=8")
	}
	l.stop()
	if s, err := f.ps(t); err != nil || s.Counters.Redelivered != 0 {
		t.Errorf("%d requests were delivered twice (%v)", s.Counters.Redelivered, err)
	}
}

// down answers what it has, and leaves no process.
func TestDown(t *testing.T) {
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

// After kill -9 of the supervisor no process is left, and a new fleet takes the same ports.
func TestSupervisorKilled(t *testing.T) {
	for name, workers := range kinds {
		t.Run(name, func(t *testing.T) {
			f := up(t, workers())
			s, err := f.ps(t)
			if err != nil {
				t.Fatal(err)
			}
			f.signal(t, syscall.SIGKILL)
			left := append(pids(s), s.Proxy.Pid)
			waitFor(t, "all processes to be gone", func() bool { return !slices.ContainsFunc(left, alive) })
		})
	}
}
