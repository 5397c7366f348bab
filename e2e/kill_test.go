package e2e

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// kinds are fleets of three workers that echo.
var kinds = map[string]func() string{
	"plugin":  func() string { return "plugin = \"misbehave\"\ncount = 3\n" },
	"command": func() string { return command(3, "exec "+os.Args[0]) },
	"child":   func() string { return command(3, os.Args[0]+"; true") }, // the shell stays, and the worker is its child
}

// command is any REP program with the port written into it: it reads nothing that zfleet gives it.
func command(count int, script string) string {
	return fmt.Sprintf("command = [\"sh\", \"-c\", \"export %s=BACKEND; %s\"]\ncount = %d\n", asWorker, script, count)
}

// Every worker in turn is killed with -9 under load. No request is lost, and each slot is back with one restart more and a new pid.
func TestWorkersKilled(t *testing.T) {
	for name, workers := range kinds {
		t.Run(name, func(t *testing.T) {
			f := up(t, workers())
			l := startLoad(t, f.frontend, 8)
			for slot := range 3 {
				before := f.worker(t, slot)
				if err := syscall.Kill(before.Pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				f.until(t, fmt.Sprintf("worker %d to be back", slot), func(s admin.Service) bool {
					w := s.Workers[slot]
					return s.Ready == 3 && w.State == "ready" && w.Pid != before.Pid && w.Restarts == before.Restarts+1 && w.Life == before.Life+1
				})
				l.progress(100)
			}
			l.stop()
			f.until(t, "nothing to be left over", func(s admin.Service) bool { return s.Queued == 0 && s.Clients == 0 })
		})
	}
}

// A worker that zfleet did not start takes its share and may be killed too.
func TestForeignWorkerKilled(t *testing.T) {
	f := up(t, kinds["plugin"]())
	l := startLoad(t, f.frontend, 8)
	for range 3 {
		foreign := f.foreign(t)
		f.until(t, "the foreign worker to answer", func(s admin.Service) bool {
			return slices.ContainsFunc(s.Foreign, func(ln admin.Lane) bool { return ln.Pid == foreign.Process.Pid && ln.Answered >= 10 })
		})
		foreign.signal(t, syscall.SIGKILL)
		f.until(t, "its lane to be gone", func(s admin.Service) bool { return len(s.Foreign) == 0 })
		l.progress(100)
	}
	l.stop()
}

// A hundred kills as fast as workers come back.
func TestKillingSpree(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 3\n[service.echo.restart]\nfailures = 1000\nmax_delay = \"100ms\"\ndelay = \"10ms\"\n[service.echo.delivery]\nattempts = 100\n")
	l := startLoad(t, f.frontend, 8)
	for kills := 0; kills < 100; {
		s, err := f.ps(t)
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range pids(s) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				kills++
			}
		}
		l.progress(1)
	}
	l.stop()
}

// worker is what ps says of one slot.
func (f *fleet) worker(t *testing.T, slot int) admin.Worker {
	t.Helper()
	s, err := f.ps(t)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.Workers, func(w admin.Worker) bool { return w.Slot == slot })
	if i < 0 {
		t.Fatalf("there is no worker in slot %d: %+v", slot, s.Workers)
	}
	return s.Workers[i]
}
