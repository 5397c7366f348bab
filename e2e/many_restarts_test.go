package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

var restarts = flag.Int("restarts", 200, "worker processes that TestManyRestarts kills")

// held is what a fleet holds of its machine.
type held struct {
	files, threads map[string]int // of the supervisor and the proxy
	processes      int            // below the supervisor, zombies among them
	sockets        []string       // and folders for them, in the run folder
}

// slack is what may come and go by itself: idle connections of the admin socket, threads of the Go runtime.
const slack = 6

func (h held) within(before held) bool {
	for who := range before.files {
		if h.files[who] > before.files[who]+slack || h.threads[who] > before.threads[who]+slack {
			return false
		}
	}
	return h.processes == before.processes && len(h.sockets) == len(before.sockets)
}

// Workers are killed over and over, under load. What the fleet holds in the end is what it held when it had warmed up: descriptors, threads,
// sockets, children; no zombie, no process left of a worker that is gone. -restarts=10000 takes five minutes.
func TestManyRestarts(t *testing.T) {
	for _, kind := range []string{"plugin", "child"} {
		t.Run(kind, func(t *testing.T) {
			f := up(t, kinds[kind]()+"[service.echo.restart]\nfailures = 1000\ndelay = \"10ms\"\nmax_delay = \"10ms\"\n"+
				"[service.echo.delivery]\nattempts = 1000\n")
			l := startLoad(t, f.frontend, 4)
			warm := min(100, *restarts/2)
			f.killWorkers(t, l, warm)
			before := f.held(t)
			f.killWorkers(t, l, *restarts-warm)
			l.stop()
			var after held
			defer func() { t.Logf("before %+v, after %d kills %+v", before, *restarts, after) }()
			await.Until(t, "the fleet to hold no more than before", func() bool {
				after = f.held(t)
				return after.within(before)
			})
		})
	}
}

// killWorkers ends so many workers with -9, as fast as they come back.
func (f *fleet) killWorkers(t *testing.T, l *load, n int) {
	t.Helper()
	var last []int
	for killed := 0; killed < n; {
		s, err := f.ps(t)
		if err != nil {
			t.Fatal(err)
		}
		last = nil
		for _, pid := range pids(s) {
			if killed < n && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed++
				last = append(last, pid)
			}
		}
		l.progress(1)
	}
	f.until(t, "all workers to be back", func(s admin.Service) bool { // of which the last are not still thought to live
		return isUp(s) && !slices.ContainsFunc(pids(s), func(pid int) bool { return slices.Contains(last, pid) })
	})
}

func (f *fleet) held(t *testing.T) held {
	t.Helper()
	s, err := f.ps(t)
	if err != nil {
		t.Fatal(err)
	}
	h := held{files: map[string]int{}, threads: map[string]int{}, processes: len(descendants(f.Process.Pid))}
	for who, pid := range map[string]int{"supervisor": f.Process.Pid, "proxy": s.Proxy.Pid} {
		h.files[who] = len(glob(t, fmt.Sprintf("/proc/%d/fd/*", pid)))
		h.threads[who] = len(glob(t, fmt.Sprintf("/proc/%d/task/*", pid)))
	}
	h.sockets = glob(t, filepath.Join(filepath.Dir(f.client.Socket()), "*"))
	return h
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// descendants are a process's children and theirs, as the kernel knows them: a zombie is one until it is reaped.
func descendants(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is well formed
	for _, list := range lists {
		text, _ := os.ReadFile(list) // of a thread that may have ended
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}
