package e2e

import (
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
	t.Parallel()
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
