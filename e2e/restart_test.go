package e2e

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
)

// lifeSum grows with every process life.
func lifeSum(s admin.Service) (n int) {
	for _, w := range s.Workers {
		if w.State == "ready" {
			n += w.Life
		}
	}
	return n
}

// Workers are replaced under full load, one by one and all: nothing is lost, nothing is run twice, and as many are ready as ever.
func TestRestartRunsNothingTwice(t *testing.T) {
	for name, workers := range kinds {
		t.Run(name, func(t *testing.T) {
			f := up(t, workers()+"max_surge = \"50%\"\n[service.echo.restart]\njitter = \"0%\"\n")
			before, err := f.ps(t)
			if err != nil {
				t.Fatal(err)
			}
			l := startLoad(t, f.frontend, 8)
			for range 3 {
				l.progress(100)
				if out, err := f.zfleet(t, "restart", "echo"); err != nil {
					t.Fatalf("restart: %v\n%s", err, out)
				}
			}
			if out, err := f.zfleet(t, "restart", "echo/0"); err != nil {
				t.Fatalf("restart: %v\n%s", err, out)
			}
			f.signal(t, syscall.SIGUSR2)
			f.until(t, "the fifth restart to be done", func(s admin.Service) bool {
				return s.Roll.Number == 5 && s.Roll.State == admin.RollDone
			})
			l.stop()
			after, err := f.ps(t)
			if err != nil {
				t.Fatal(err)
			}
			if grown := lifeSum(after) - lifeSum(before); grown != 4*before.Want+1 || after.Ready != before.Want {
				t.Errorf("%d lives were begun, want %d: %+v", grown, 4*before.Want+1, after.Workers)
			}
			if after.Counters.Redelivered != 0 {
				t.Errorf("%d requests were delivered twice", after.Counters.Redelivered)
			}
			for _, w := range after.Workers {
				if w.Restarts != 0 {
					t.Errorf("%s counts %d failures", w.Name, w.Restarts)
				}
			}
		})
	}
}

// Old workers crash while they are being replaced: no request is lost, and in the end all are new.
func TestRestartWhileWorkersDie(t *testing.T) {
	f := up(t, kinds["command"]())
	l := startLoad(t, f.frontend, 8)
	for range 3 {
		before, err := f.ps(t)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := f.zfleet(t, "restart", "echo", "--no-wait"); err != nil {
			t.Fatalf("restart: %v\n%s", err, out)
		}
		for _, pid := range pids(before)[1:] {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be replaced already
			l.progress(20)
		}
		f.until(t, "the restart to be done", func(s admin.Service) bool { return s.Roll.State == admin.RollDone && isUp(s) })
	}
	l.stop()
}

// Workers are recycled under full load, by what the proxy saw answered: nothing is lost, nothing is run twice, nothing counts as a failure.
func TestRecyclingRunsNothingTwice(t *testing.T) {
	for name, workers := range kinds {
		t.Run(name, func(t *testing.T) {
			f := up(t, workers()+"max_requests = 50\n")
			l := startLoad(t, f.frontend, 8)
			f.until(t, "every worker to be recycled", func(s admin.Service) bool {
				for _, w := range s.Workers {
					if w.Life < 2 {
						return false
					}
				}
				return len(s.Workers) > 0
			})
			l.stop()
			s, err := f.ps(t)
			if err != nil || s.Counters.Redelivered != 0 {
				t.Errorf("%d requests were delivered twice (%v)", s.Counters.Redelivered, err)
			}
			for _, w := range s.Workers {
				if w.Restarts != 0 {
					t.Errorf("%s counts %d failures", w.Name, w.Restarts)
				}
			}
		})
	}
}

// A worker that takes too much memory is replaced.
func TestRecyclingByMemory(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\nmemory_max = \"256MiB\"\n")
	l := startLoad(t, f.frontend, 2)
	if reply := f.order(t, "leak 300"); reply != "leaked 300 MiB" {
		t.Fatalf("it says %q", reply)
	}
	f.until(t, "the worker to be recycled", func(s admin.Service) bool {
		return len(s.Workers) == 1 && s.Workers[0].Life == 2 && s.Workers[0].State == "ready" && s.Workers[0].Restarts == 0
	})
	l.stop()
}

// order sends one request and returns the first frame of its reply.
func (f *fleet) order(t *testing.T, request string) string {
	t.Helper()
	c, err := zmq4.NewSocket(zmq4.REQ)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := errors.Join(c.SetRcvtimeo(patience), c.SetLinger(0), c.Connect(f.frontend)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(request, 0); err != nil {
		t.Fatal(err)
	}
	reply, err := c.Recv(0)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// A new version that crashes soon after it is ready replaces nobody when workers have to be ready for longer than that, and the restart
// freezes.
func TestRestartWithAWorkerThatIsReadyForTooShort(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\ncount = 2\nmin_ready = \"1m\"\nenv = { WHO = \"one\" }\n[service.echo.delivery]\nattempts = 100\n")
	l := startLoad(t, f.frontend, 4)
	f.rewrite(t, `WHO = "one"`, `MISBEHAVE = "crash-after:5"`)
	if out, err := f.zfleet(t, "reload"); err == nil || !strings.Contains(err.Error(), "is frozen with 0 of 2 workers replaced") {
		t.Errorf("reload: %v\n%s", err, out)
	}
	f.until(t, "the workers that there were", func(s admin.Service) bool {
		return s.Ready == 2 && len(s.Workers) == 2 && lifeSum(s) == 2 && s.Roll.State == admin.RollFrozen
	})
	l.progress(100)
	l.stop()
}
