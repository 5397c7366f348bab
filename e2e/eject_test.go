package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
)

// askers are clients that ask one after the other and take whatever they are answered, until they are told to stop.
type askers struct {
	stopping         atomic.Bool
	answered, errors atomic.Int64
	all              sync.WaitGroup
}

func startAskers(t *testing.T, f *fleet, n int) *askers {
	t.Helper()
	a := &askers{}
	for range n {
		c := f.connect(t, zmq4.REQ)
		a.all.Go(func() {
			for !a.stopping.Load() {
				if _, err := c.SendMessage("hello"); err != nil {
					t.Error(err)
					return
				}
				reply, err := c.RecvMessage(0)
				switch {
				case err != nil:
					t.Error(err)
					return
				case reply[0] == "hello":
					a.answered.Add(1)
				default:
					a.errors.Add(1)
				}
			}
		})
	}
	t.Cleanup(a.stop)
	return a
}

func (a *askers) stop() {
	a.stopping.Store(true)
	a.all.Wait()
}

// Of four workers of the fleet one begins to answer with errors, and one that zfleet did not start is slow. Both get nothing for a while,
// and for a longer while when that does not help; `zfleet ps` and the events say so. When they are well again they get requests again.
func TestWorkersThatAreFarWorse(t *testing.T) {
	t.Parallel()
	manners := t.TempDir()
	script := fmt.Sprintf("export %s=%s; exec %s", mannersFolder, manners, os.Args[0])
	f := up(t, command(4, script)+"[service.echo.delivery]\neject = \"500ms\"\n")
	start(t, []string{asWorker + "=" + f.backend, mannersFolder + "=" + manners}, os.Args[0])
	f.until(t, "the foreign worker", func(s admin.Service) bool { return len(s.Foreign) == 1 })
	a := startAskers(t, f, 12)
	answered := func(admin.Service) bool { return a.answered.Load() > 500 }
	f.until(t, "all to have answered", answered)
	if n := a.errors.Load(); n > 0 {
		t.Fatalf("%d errors while all are well", n)
	}
	for who, how := range map[string]string{"1": "fails", "foreign": "is slow"} {
		if err := os.WriteFile(filepath.Join(manners, who), []byte(how), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var failing, slow *admin.Ejected
	f.until(t, "both to be ejected", func(s admin.Service) bool {
		if e := s.Workers[1].Ejected; e != nil {
			failing = e
		}
		if e := s.Foreign[0].Ejected; e != nil {
			slow = e
		}
		return failing != nil && slow != nil
	})
	if !strings.Contains(failing.Reason, "answers with errors") || !strings.HasPrefix(slow.Reason, "a request takes it about ") {
		t.Errorf("reasons: %+v, %+v", failing, slow)
	}
	for who := range map[string]bool{"1": true, "foreign": true} {
		if err := os.Remove(filepath.Join(manners, who)); err != nil {
			t.Fatal(err)
		}
	}
	f.until(t, "both to be well", func(s admin.Service) bool {
		w, l := s.Workers[1], s.Foreign[0]
		return w.Ejected == nil && l.Ejected == nil && !w.Doubtful && !l.Doubtful
	})
	a.stop()
	if s, err := f.ps(t); err != nil || s.Counters.Failed+s.Counters.Redelivered > 0 || s.Ready != 4 {
		t.Errorf("%+v: %v", s, err)
	}
	for _, want := range []string{"it gets no requests for 500ms: it answers with errors", "it gets requests again",
		"that zfleet did not start gets no requests for 500ms: a request takes it about", "that zfleet did not start gets requests again"} {
		f.told(t, want)
	}
}

// told says that an event has these words.
func (f *fleet) told(t *testing.T, words string) {
	t.Helper()
	out, err := f.zfleet(t, "events", "--last", "all")
	if err != nil || !strings.Contains(string(out), words) {
		t.Errorf("no event says %q: %v\n%s", words, err, out)
	}
}
