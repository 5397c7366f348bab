package e2e

import (
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// A request that hangs every worker it meets costs as many workers as it has attempts. They are killed and come back, its client gets an
// error, and nobody else notices more than a delay.
func TestRequestThatHangsWorkers(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\ncount = 2\n[service.echo.delivery]\ntimeout = \"300ms\"\nattempts = 3\n")
	l := startLoad(t, f.frontend, 4)
	reply := f.request(t, "hang")
	if text := strings.Join(reply, ""); !strings.Contains(text, `"code":"UNAVAILABLE"`) || !strings.Contains(text, `"attempts":3`) {
		t.Errorf("got %q", reply)
	}
	f.until(t, "all workers to be back", func(s admin.Service) bool {
		return s.Ready == 2 && s.Workers[0].Restarts+s.Workers[1].Restarts == 3
	})
	l.progress(50)
	l.stop()
}
