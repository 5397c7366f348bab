package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// Of workers that all stop answering at once, one is killed at a time, and the next when that one's place is filled again. Meanwhile the
// service is degraded, and who is left answers requests.
func TestSilentWorkersAreKilledOneAtATime(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\ncount = 4\n[service.echo.health]\ninterval = \"100ms\"\ntimeout = \"300ms\"\nfailures = 2\n")
	s, err := f.ps(t)
	if err != nil {
		t.Fatal(err)
	}
	l := startLoad(t, f.frontend, 4)
	for _, pid := range pids(s)[:3] {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	f.until(t, "all that stood still to be replaced", func(s admin.Service) bool {
		restarts := 0
		for _, w := range s.Workers {
			restarts += w.Restarts
		}
		return isUp(s) && restarts == 3 && s.Degraded == ""
	})
	l.progress(50)
	l.stop()
	for _, line := range []string{`"event":"degraded"`, `"event":"well"`} {
		if !strings.Contains(f.log.String(), line) {
			t.Errorf("the log has no %q", line)
		}
	}
}
