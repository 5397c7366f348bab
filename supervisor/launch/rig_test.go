package launch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// rig is a launcher with one service, and a record of all it tells and logs.
type rig struct {
	*Launcher
	t     *testing.T
	svc   fleet.Service
	home  *service // of svc
	state string   // the folder of stateVariable
	log   *logged

	mu     sync.Mutex
	events []fleet.Event
	begun  map[fleet.Life]supervisor.Process
}

// shortDir is a folder whose path leaves room for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func testService(state string, workers fleet.Workers) fleet.Service {
	if workers.Env == nil {
		workers.Env = map[string]string{}
	}
	workers.Env[stateVariable] = state
	workers.Grace, workers.StartTimeout = 10*time.Second, 30*time.Second
	return fleet.Service{
		Name:     "hello",
		Frontend: []string{"tcp://127.0.0.1:*"},
		Backend:  []string{"tcp://127.0.0.1:*", "ipc://*"},
		Workers:  workers,
		Health:   testHealth(2 * time.Second),
	}
}

func testHealth(timeout time.Duration) fleet.Health {
	c := fleet.Check{Interval: 50 * time.Millisecond, Timeout: timeout, Failures: 2, Successes: 1}
	h := fleet.Health{Interval: c.Interval, Timeout: timeout, Failures: 2, Ready: c, Alive: c}
	h.Ready.Failures = 1
	return h
}

func newRig(t *testing.T, workers fleet.Workers) *rig {
	t.Helper()
	state, log := shortDir(t), &logged{}
	r := rigOf(t, Options{
		Fleet:  "test",
		Spec:   fleet.Spec{Services: []fleet.Service{testService(state, workers)}},
		Self:   os.Args[0],
		RunDir: shortDir(t),
		Log:    zerolog.New(log),
	}, log)
	r.state = state
	return r
}

func rigOf(t *testing.T, o Options, log *logged) *rig {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	svc := o.Spec.Services[0]
	r := &rig{Launcher: l, t: t, svc: svc, home: l.homes.of(svc.Name), log: log, begun: map[fleet.Life]supervisor.Process{}}
	t.Cleanup(r.finish)
	return r
}

// listener is the nth of a kind that a service has.
func listener(s *service, kind string, n int) *endpoint.Listener {
	of := slices.DeleteFunc(slices.Clone(s.ports.all), func(p port) bool { return p.kind != kind })
	return of[n].Listener
}

// asPlugin is the test binary as a plugin in a mode.
func asPlugin(mode string) fleet.Workers {
	return fleet.Workers{Plugin: os.Args[0], Env: map[string]string{modeVariable: mode}}
}

// asCommand is the test binary as a plain command.
func asCommand(args ...string) fleet.Workers {
	return fleet.Workers{Command: append([]string{os.Args[0]}, args...)}
}

// finish closes the launcher and holds it to its promise: each life exits once, and leaves nothing in the run directory.
func (r *rig) finish() {
	if err := r.Close(); err != nil {
		r.t.Errorf("Close: %v", err)
	}
	if members := r.home.roster.members; len(members) > 0 {
		r.t.Errorf("the roster still has %v", members)
	}
	exits := map[fleet.Life]int{}
	for _, e := range r.told() {
		if e, ok := e.(fleet.Exited); ok {
			exits[e.Life]++
		}
	}
	for name := range r.begun {
		if exits[name] != 1 {
			r.t.Errorf("%v exited %d times", name, exits[name])
		}
	}
	if left, _ := filepath.Glob(filepath.Join(r.opts.RunDir, "*")); len(left) > 0 {
		r.t.Errorf("left in the run directory: %v", left)
	}
	if r.t.Failed() {
		r.t.Logf("log:\n%s", shorten(r.log.String(), 20_000))
		r.t.Logf("events: %+v", r.told())
	}
}

func (r *rig) tell(e fleet.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *rig) told() []fleet.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

func (r *rig) launch(slot, n int) (fleet.Life, supervisor.Process) {
	name := fleet.Life{Service: r.svc.Name, Slot: slot, N: n}
	r.begun[name] = r.Launch(name, r.svc, r.tell)
	return name, r.begun[name]
}

func (r *rig) startProxy() (fleet.Life, supervisor.Process) {
	r.t.Helper()
	name, p := r.launch(fleet.ProxySlot, 1)
	r.ready(name, 1)
	return name, p
}

// startBoth starts a worker of each kind. The rig begins with a plugin.
func (r *rig) startBoth() (plugin, plain fleet.Life) {
	r.t.Helper()
	plugin, _ = r.launch(0, 1)
	r.ready(plugin, 1)
	r.svc.Workers = asCommand("command")
	plain, _ = r.launch(1, 1)
	r.ready(plain, 1)
	return plugin, plain
}

// ready waits until the life became ready for the nth time.
func (r *rig) ready(name fleet.Life, n int) {
	r.t.Helper()
	await.Until(r.t, fmt.Sprintf("BecameReady %d of %v", n, name), func() bool {
		return r.count(func(e fleet.Event) bool { return e == fleet.BecameReady{Life: name} }) >= n
	})
}

func (r *rig) count(is func(fleet.Event) bool) (n int) {
	for _, e := range r.told() {
		if is(e) {
			n++
		}
	}
	return n
}

// unready waits until the life became unready with a reason that contains the words.
func (r *rig) unready(name fleet.Life, words string) {
	r.t.Helper()
	await.Until(r.t, fmt.Sprintf("BecameUnready %v: %s", name, words), func() bool {
		return r.count(func(e fleet.Event) bool {
			u, ok := e.(fleet.BecameUnready)
			return ok && u.Life == name && strings.Contains(u.Reason, words)
		}) > 0
	})
}

func (r *rig) pid(name fleet.Life) (pid int) {
	r.t.Helper()
	await.Until(r.t, fmt.Sprintf("Launched %v", name), func() bool {
		for _, e := range r.told() {
			if e, ok := e.(fleet.Launched); ok && e.Life == name {
				pid = e.Pid
			}
		}
		return pid != 0
	})
	return pid
}

// exit waits for the life's end.
func (r *rig) exit(name fleet.Life) (exit fleet.Exit) {
	r.t.Helper()
	await.Until(r.t, fmt.Sprintf("Exited %v", name), func() bool {
		for _, e := range r.told() {
			if e, ok := e.(fleet.Exited); ok && e.Life == name {
				exit = e.Exit
				return true
			}
		}
		return false
	})
	return exit
}

// readReport waits for a process's report of itself.
func readReport(t *testing.T, path string) (rep report) {
	t.Helper()
	await.Until(t, "report in "+path, func() bool {
		b, err := os.ReadFile(path)
		return err == nil && json.Unmarshal(b, &rep) == nil
	})
	return rep
}

// gone waits until a process has ended. It may be a zombie that its parent, perhaps init, has not reaped.
func gone(t *testing.T, pid int) {
	t.Helper()
	await.Until(t, fmt.Sprintf("end of process %d", pid), func() bool { return !isAlive(pid) })
}

func isAlive(pid int) bool {
	stat, err := statOf(pid)
	return err == nil && stat.State != "Z" && stat.State != "X"
}

func kill(t *testing.T, pid int, sig unix.Signal) {
	t.Helper()
	if err := unix.Kill(pid, sig); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

// freeze stops a process. SIGSTOP takes a moment to reach all its threads.
func freeze(t *testing.T, pid int) {
	t.Helper()
	kill(t, pid, unix.SIGSTOP)
	await.Until(t, fmt.Sprintf("stop of process %d", pid), func() bool {
		stat, err := statOf(pid)
		return err == nil && stat.State == "T"
	})
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// entries are the log's lines, all of which must be JSON.
func (l *logged) entries(t *testing.T) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("not JSON: %q: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// await waits for a log entry with these fields.
func (l *logged) await(t *testing.T, want map[string]any) {
	t.Helper()
	await.Until(t, fmt.Sprintf("log entry %v", want), func() bool { return l.has(t, want) })
}

func (l *logged) has(t *testing.T, want map[string]any) bool {
	t.Helper()
	return slices.ContainsFunc(l.entries(t), func(e map[string]any) bool {
		for name, value := range want {
			if e[name] != value {
				return false
			}
		}
		return true
	})
}
