package e2e

import (
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// Load comes, and there are as many workers as it takes; it goes, and so do they, to the last one; the first request after that is
// answered. Nothing is lost, nothing is delivered twice.
func TestAutoscale(t *testing.T) {
	t.Parallel()
	f := up(t, `plugin = "misbehave"
count = 1
[service.echo.autoscale]
min = 0
max = 4
target_wait = "2ms"
up_cooldown = "500ms"
down_after = "2s"
down_cooldown = "500ms"
idle_after = "3s"
`)
	l := startLoad(t, f.frontend, 8) // 24 requests of 2 ms under way: more than four workers have room for
	f.until(t, "as many workers as there may be", func(s admin.Service) bool { return s.Ready == 4 && changed(s, "waits") })
	l.progress(200)
	l.stop()
	f.logged(t, " → 4 by autoscaling: wait ")
	f.until(t, "none to be needed", func(s admin.Service) bool { return s.Want == 0 && len(s.Workers) == 0 && changed(s, "idle") })
	f.ask(t, "after the night")
	f.logged(t, "scaled 0 → ", "a request waits")
	s, err := f.ps(t)
	if err != nil || s.Counters.Redelivered != 0 || s.Counters.Requests != s.Counters.Replies || s.Counters.Failed != 0 {
		t.Errorf("counters %+v (%v)", s.Counters, err)
	}
}

func changed(s admin.Service, cause string) bool {
	return s.Autoscale != nil && s.Autoscale.Change != nil && s.Autoscale.Change.Cause == cause
}
