package e2e

import (
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// With redeliver = "never" a request that kills its worker costs one worker, and its client gets an error.
func TestRequestThatKillsOnce(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\ncount = 2\n[service.echo.delivery]\nredeliver = \"never\"\n")
	reply := f.request(t, "crash")
	if text := strings.Join(reply, ""); !strings.Contains(text, `"code":"ABORTED"`) || !strings.Contains(text, `"attempts":1`) {
		t.Errorf("got %q", reply)
	}
	f.until(t, "one worker to be back", func(s admin.Service) bool {
		return s.Ready == 2 && s.Workers[0].Restarts+s.Workers[1].Restarts == 1
	})
	if s, err := f.ps(t); err != nil || s.Counters.Redelivered != 0 || s.Counters.Failed != 1 {
		t.Errorf("counters %+v: %v", s.Counters, err)
	}
}

// At the deadline both the client whose request is at the only worker and the one that waits behind it get an error; the worker stays.
func TestRequestPastItsDeadline(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\nconcurrency = 1\n[service.echo.delivery]\ndeadline = \"300ms\"\nprefetch = 1\n")
	for _, order := range []string{"hang", "hang"} {
		if reply := f.request(t, order); !strings.Contains(strings.Join(reply, ""), `"code":"DEADLINE_EXCEEDED"`) {
			t.Errorf("got %q", reply)
		}
	}
	s, err := f.ps(t)
	if err != nil || s.Queued != 0 || s.Workers[0].Inflight != 1 || s.Counters.Failed != 2 || s.Workers[0].Restarts != 0 {
		t.Errorf("the service is %+v: %v", s, err)
	}
}
