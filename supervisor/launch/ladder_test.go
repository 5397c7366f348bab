package launch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Each rung is reached by a worker that needs it.
func TestLadder(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		workers   fleet.Workers
		grace     time.Duration
		terminate time.Duration
		want      string
	}{
		"an idle plugin":                   {asPlugin("plugin"), time.Minute, time.Minute, rungDrained},
		"an idle command":                  {asCommand("command"), time.Minute, time.Minute, rungDrained},
		"a plugin with a request":          {asPlugin("busy"), 50 * time.Millisecond, time.Minute, rungTerminated},
		"a command with a request":         {asCommand("command", "busy"), 50 * time.Millisecond, time.Minute, rungTerminated},
		"a plugin that ignores SIGTERM":    {asPlugin("ignore-term"), time.Minute, 100 * time.Millisecond, rungKilled},
		"a command that ignores SIGTERM":   {asCommand("command", "ignore-term"), time.Minute, 100 * time.Millisecond, rungKilled},
		"a command whose child ignores it": {asCommand("command", "grandchild"), time.Minute, time.Minute, rungDrained},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.workers)
			r.svc.Workers.Grace, r.bounds.terminate = c.grace, c.terminate
			r.startProxy()
			name, p := r.launch(0, 1)
			r.ready(name, 1)
			p.Stop()
			p.Stop()
			if exit := r.exit(name); exit.Rung != c.want {
				t.Errorf("exit: %+v, want rung %s", exit, c.want)
			}
			if n := r.count(func(e fleet.Event) bool { return e == fleet.DrainEnded{Life: name} }); n != 1 {
				t.Errorf("DrainEnded %d times", n)
			}
			if othersInGroup(r.pid(name)) {
				t.Error("somebody of its group lives")
			}
		})
	}
}

// Kill does not wait for any rung.
func TestKillWhileDraining(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("busy"))
	r.svc.Workers.Grace = time.Hour
	r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	p.Stop()
	p.Kill()
	if exit := r.exit(name); exit.Rung != rungKilled || exit.Signal != "SIGKILL" {
		t.Errorf("exit: %+v", exit)
	}
	if _, err := os.Stat(filepath.Join(r.state, "drained")); err == nil {
		t.Error("its Drain was called")
	}
}

// A worker that ends while it drains has climbed no further.
func TestEndWhileDraining(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("busy"))
	r.svc.Workers.Grace = time.Hour
	r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	p.Stop()
	await.Until(t, "drain", func() bool { return r.log.has(t, map[string]any{"message": "the worker drains"}) })
	kill(t, r.pid(name), unix.SIGTERM)
	if exit := r.exit(name); exit.Rung != rungDrained || exit.Code != 0 {
		t.Errorf("exit: %+v", exit)
	}
}

// The proxy may not answer what the worker still holds; that the worker is gone is enough.
func TestEndWhileAStoppedProxyDrains(t *testing.T) {
	t.Parallel()
	r := newRig(t, asCommand("command"))
	r.svc.Workers.Grace = time.Hour
	proxy, _ := r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	freeze(t, r.pid(proxy))
	p.Stop()
	await.Until(t, "drain", func() bool { return r.log.has(t, map[string]any{"message": "the worker drains"}) })
	kill(t, r.pid(name), unix.SIGKILL)
	if exit := r.exit(name); exit.Signal != "SIGKILL" || exit.Rung != rungDrained {
		t.Errorf("exit: %+v", exit)
	}
}

// A worker's children have as long as the worker to end, also when it is gone before them.
func TestChildrenMayFinish(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{Command: []string{"sh", "-c",
		`(trap 'sleep 0.3; touch done; exit' TERM; touch up; while :; do sleep 0.05; done) & wait`}})
	r.svc.Workers.Dir = r.state
	r.startProxy()
	name, p := r.launch(0, 1)
	await.Until(t, "child", func() bool { _, err := os.Stat(filepath.Join(r.state, "up")); return err == nil })
	p.Stop()
	if exit := r.exit(name); exit.Signal != "SIGTERM" {
		t.Errorf("exit: %+v", exit)
	}
	if _, err := os.Stat(filepath.Join(r.state, "done")); err != nil {
		t.Errorf("the child was killed: %v", err)
	}
}

// Without a proxy nobody can say what a worker holds; it is stopped all the same, and not after its grace only.
func TestStopWithoutProxy(t *testing.T) {
	t.Parallel()
	r := newRig(t, asCommand("report", filepath.Join(shortDir(t), "report")))
	r.svc.Workers.Grace = time.Hour
	name, p := r.launch(0, 1)
	r.unready(name, "the proxy is not there")
	p.Stop()
	if exit := r.exit(name); exit.Rung != rungTerminated {
		t.Errorf("exit: %+v", exit)
	}
}

// Asked to end before there is a process, or while it is made, a life still ends once.
func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	for _, workers := range []fleet.Workers{asPlugin("silent"), asCommand("report", "/dev/null")} {
		r := newRig(t, workers)
		for n, ask := range []func(interface {
			Stop()
			Kill()
		}){
			func(p interface {
				Stop()
				Kill()
			}) {
				p.Stop()
			},
			func(p interface {
				Stop()
				Kill()
			}) {
				p.Kill()
			},
			func(p interface {
				Stop()
				Kill()
			}) {
				p.Kill()
				p.Stop()
				p.Kill()
			},
		} {
			name := fleet.Life{Service: "hello", N: n + 1}
			early := newLife(r.Launcher, name, r.svc, r.tell)
			ask(early) // before its goroutine runs
			early.run()
			if exit := r.exit(name); exit.Code != -1 || exit.Reason != "not started: it was told to stop before" {
				t.Errorf("exit: %+v", exit)
			}
			late, p := r.launch(1, n+1)
			ask(p) // whatever its goroutine does now
			r.exit(late)
		}
		if n := r.count(func(e fleet.Event) bool { l, ok := e.(fleet.Launched); return ok && l.Life.Slot == 0 }); n != 0 {
			t.Errorf("%d processes were started", n)
		}
	}
}
