package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/dead"
)

// letters are what `zfleet dead ls -o json` prints.
func (f *fleet) letters(t *testing.T) (all []dead.Letter) {
	t.Helper()
	out, err := f.zfleet(t, "dead", "ls", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return all
}

// complete waits for n letters in which each attempt has its worker's exit.
func (f *fleet) complete(t *testing.T, n int) (all []dead.Letter) {
	t.Helper()
	await.Until(t, "letters with all exits", func() bool {
		all = f.letters(t)
		return len(all) == n && !slices.ContainsFunc(all, func(l dead.Letter) bool {
			return slices.ContainsFunc(l.Attempts, func(a dead.Attempt) bool { return a.Exit == nil })
		})
	})
	return all
}

// patient restarts workers whatever happens to them.
const patient = "[service.echo.restart]\ndelay = \"10ms\"\nfailures = 100\n"

// A request that ends every worker it meets costs exactly `attempts` of them, and nobody else's reply. What is known of them is in the letter,
// which outlives proxy and supervisor.
func TestPoison(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 4\nconcurrency = 1\n"+patient)
	l := startLoad(t, f.frontend, 8)
	for _, order := range []string{"crash", "kill", "exit 3"} {
		reply := f.request(t, order)
		if text := strings.Join(reply, ""); !strings.Contains(text, `"code":"UNAVAILABLE"`) || !strings.Contains(text, `"attempts":3`) {
			t.Errorf("%s: got %q", order, reply)
		}
	}
	l.progress(100)
	l.stop()
	f.until(t, "all workers to be back", func(s admin.Service) bool {
		restarts := 0
		for _, w := range s.Workers {
			restarts += w.Restarts
		}
		return isUp(s) && restarts == 9 && s.Counters.Failed == 3 && s.Counters.Dead == 3 && s.Counters.DeadLost == 0
	})

	all := f.complete(t, 3)
	for i, want := range []dead.Exit{{Reason: "exited with status 2", Code: 2}, {Reason: "killed by SIGKILL", Code: -1, Signal: "SIGKILL"}, {Reason: "exited with status 3", Code: 3}} {
		letter := all[i]
		if letter.Service != "echo" || letter.Code != "UNAVAILABLE" || len(letter.Attempts) != 3 || len(letter.Workers()) != 3 {
			t.Errorf("got %+v", letter)
		}
		for _, a := range letter.Attempts {
			if !strings.HasPrefix(a.Worker, "echo/") || !strings.HasPrefix(a.Exit.Reason, want.Reason) || a.Exit.Code != want.Code || a.Exit.Signal != want.Signal {
				t.Errorf("letter %d: attempt %+v, exit %+v", i, a, a.Exit)
			}
			if i == 0 && !strings.Contains(strings.Join(a.Exit.LastLines, "\n"), "panic: crashing, as asked") {
				t.Errorf("the last lines are %q", a.Exit.LastLines)
			}
		}
	}

	s, err := f.ps(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.Proxy.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.until(t, "another proxy", func(now admin.Service) bool { return isUp(now) && now.Proxy.Pid != s.Proxy.Pid && now.Proxy.Pid != 0 })
	if left := f.letters(t); len(left) != 3 {
		t.Errorf("%d letters after the proxy's end", len(left))
	}
	f.signal(t, syscall.SIGKILL)
	<-f.ended
	if left := f.letters(t); len(left) != 3 {
		t.Errorf("%d letters without a fleet", len(left))
	}
}

// What failed again is a letter anew, one for one. When the fault is mended replay gets the answers, and the letters are gone.
func TestReplay(t *testing.T) {
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	fault := filepath.Join(dir, "fault")
	if err := os.WriteFile(fault, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := up(t, command(3, "export "+faultFile+"="+fault+"; exec "+os.Args[0])+patient)
	if reply := strings.Join(f.request(t, "poison"), ""); !strings.Contains(reply, `"attempts":3`) {
		t.Fatalf("got %q", reply)
	}
	f.until(t, "the letter", func(s admin.Service) bool { return s.Counters.Dead == 1 && isUp(s) })
	first := f.complete(t, 1)[0]
	if out, err := f.zfleet(t, "dead", "replay", first.ID); err == nil || !strings.Contains(string(out), "failed again, and is now") {
		t.Errorf("replay: %s, %v", out, err)
	}
	again := f.complete(t, 1)[0]
	if again.ID == first.ID {
		t.Error("it is still the first letter")
	}
	if err := os.Remove(fault); err != nil {
		t.Fatal(err)
	}
	out, err := f.zfleet(t, "dead", "replay", "--all")
	if err != nil || !strings.Contains(string(out), again.ID+" was answered: poison") {
		t.Errorf("replay: %s, %v", out, err)
	}
	if left := f.letters(t); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}
