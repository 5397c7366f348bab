package launch

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// says has the workers of a rig say a word, or no more.
func (r *rig) says(word, text string) {
	r.t.Helper()
	path := filepath.Join(r.state, word)
	err := os.Remove(path)
	if text != "" {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// held waits until the proxy has a lane that is on hold, or is not.
func (r *rig) held(want bool) {
	r.t.Helper()
	await.Until(r.t, "the lane to be on hold, or not", func() bool {
		s, err := r.Snapshot(r.t.Context(), "hello")
		return err == nil && len(s.Lanes) == 1 && s.Lanes[0].OnHold == want
	})
}

// A plugin that says that it is not ready gets no requests, from the first on, and also from the proxy's next life.
func TestUnreadyPluginIsOnHold(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	r.says("unready", "the cache is cold")
	proxy, _ := r.startProxy()
	name, p := r.launch(0, 1)
	r.held(true)
	r.says("unready", "")
	r.ready(name, 1)
	r.held(false)
	r.says("unready", "the cache is cold again")
	r.unready(name, "its health check says: the cache is cold again")
	r.held(true)

	kill(t, r.pid(proxy), unix.SIGKILL)
	r.exit(proxy)
	next, _ := r.launch(fleet.ProxySlot, 2)
	r.ready(next, 1)
	r.held(true)
	if n := r.count(isHung); n != 0 {
		t.Errorf("Hung %d times", n)
	}
	p.Stop()
	if exit := r.exit(name); exit.Rung != rungDrained {
		t.Errorf("exit: %+v", exit)
	}
	if left := r.home.holds.workers; len(left) > 0 {
		t.Errorf("held for ever: %q", left)
	}
}

// A plugin that cannot be made is not held for ever.
func TestNoPluginIsNotHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{Plugin: "/nowhere/plugin"})
	name, _ := r.launch(0, 1)
	r.exit(name)
	if left := r.home.holds.workers; len(left) > 0 {
		t.Errorf("held for ever: %q", left)
	}
}

// A plugin that says that it is not alive, though it is ready, is hung, and no longer when it says otherwise.
func TestPluginThatIsNotAlive(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	r.startProxy()
	name, _ := r.launch(0, 1)
	r.ready(name, 1)
	r.says("dead", "a lock is never released")
	reason := "alive check failed 2/2: it says: a lock is never released"
	r.unready(name, reason)
	await.Until(t, "Hung", func() bool {
		return r.count(func(e fleet.Event) bool { return e == fleet.Hung{Life: name, Reason: reason, Silent: true} }) == 1
	})
	r.held(false)
	r.says("dead", "")
	r.ready(name, 2)
}

// A worker of any kind that fails its probes is hung, as far as max_unhealthy lets it be, until it answers one.
func TestWorkerThatFailsItsProbes(t *testing.T) {
	t.Parallel()
	for what, workers := range map[string]fleet.Workers{"plugin": asPlugin("plugin"), "command": asCommand("command")} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, workers)
			proxy, _ := r.startProxy()
			name, _ := r.launch(0, 1)
			r.ready(name, 1)
			reason := "probe failed 2/2: no reply in 1s"
			kill(t, r.pid(proxy), unix.SIGUSR2)
			r.unready(name, reason)
			await.Until(t, "Hung", func() bool {
				return r.count(func(e fleet.Event) bool { return e == fleet.Hung{Life: name, Reason: reason, Silent: true} }) == 1
			})
			kill(t, r.pid(proxy), unix.SIGUSR2)
			r.ready(name, 2)
			if n := r.count(isHung); n != 1 {
				t.Errorf("Hung %d times", n)
			}
		})
	}
}

// That somebody else's worker fails is no worker's fault.
func TestForeignLaneThatFailsItsProbes(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{})
	proxy, _ := r.startProxy()
	foreign := connect(r.home.ports.connect(r.svc), "-")
	defer func() { _ = foreign.Close() }()
	r.held(false)
	await.Until(t, "the roster to know", func() bool {
		kill(t, r.pid(proxy), unix.SIGUSR2)
		return r.log.has(t, map[string]any{
			"level": "warn", "reason": "probe failed 2/2: no reply in 1s",
			"message": "a worker that zfleet did not start fails its probes: it gets no requests until it answers one",
		})
	})
	if n := r.count(isHung); n != 0 {
		t.Errorf("Hung %d times", n)
	}
}
