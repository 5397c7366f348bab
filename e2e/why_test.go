package e2e

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

// After kill -9 of the supervisor it is still told what became of a worker, and what it printed; and the next fleet goes on with it.
func TestWhatIsKnownAfterAKill(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 1\nenv = { MISBEHAVE = \"weird-log\" }\n")
	before := f.worker(t, 0)
	if err := syscall.Kill(before.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.until(t, "the worker to be back", func(s admin.Service) bool { return s.Ready == 1 && s.Workers[0].Life == 2 })
	f.signal(t, syscall.SIGKILL)
	<-f.ended

	why := f.says(t, "why", "echo/0")
	for _, words := range []string{"echo/0 does not run: its supervisor ended without a word", "killed by SIGKILL after", "echo/0#2", "it printed last:"} {
		if !strings.Contains(why, words) {
			t.Errorf("it does not say %q:\n%s", words, why)
		}
	}
	await.Until(t, "the lines of both lives", func() bool {
		lines := f.says(t, "logs", "echo/0", "-n", "all")
		return strings.Contains(lines, "echo/0#1 |") && strings.Contains(lines, "echo/0#2 |")
	})

	f = f.again(t)
	why = f.says(t, "why", "echo/0")
	if !strings.Contains(why, "echo/0 is ready") || !strings.Contains(why, "its supervisor ended without a word, and it ended with it") {
		t.Errorf("then it says:\n%s", why)
	}
	var last uint64
	for line := range strings.Lines(f.says(t, "events", "-n", "all", "-o", "json")) {
		var e struct{ Seq uint64 }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != last+1 {
			t.Fatalf("after event %d: %s, %v", last, line, err)
		}
		last = e.Seq
	}
}

// says is what a command prints.
func (f *fleet) says(t *testing.T, args ...string) string {
	t.Helper()
	out, err := f.zfleet(t, args...)
	if err != nil {
		t.Fatalf("zfleet %q: %v", args, err)
	}
	return string(out)
}
