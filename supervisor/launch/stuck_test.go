package launch

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// A worker that takes too long for a request is hung, said once, though it is stuck again.
func TestStuckWorkerIsHung(t *testing.T) {
	t.Parallel()
	for what, workers := range map[string]fleet.Workers{"plugin": asPlugin("busy"), "command": asCommand("command", "busy")} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, workers)
			if workers.Plugin != "" {
				r.svc.Workers.Concurrency = 2 // both are stuck
			}
			proxy, _ := r.startProxy()
			name, p := r.launch(0, 1)
			r.ready(name, 1)
			hung := fleet.Hung{Life: name, Reason: "a request is past its timeout of 30s"}
			for range 2 {
				lanes := func() int { return r.Inflight(r.svc)[name] }
				await.Until(t, "lanes", func() bool { return lanes() == max(1, r.svc.Workers.Concurrency) })
				kill(t, r.pid(proxy), unix.SIGUSR1)
				await.Until(t, "Hung", func() bool { return r.count(func(e fleet.Event) bool { return e == hung }) > 0 })
			}
			p.Kill()
			r.exit(name)
			if n := r.count(isHung); n != 1 {
				t.Errorf("Hung %d times", n)
			}
			if n := r.count(func(e fleet.Event) bool { return e == fleet.BecameReady{Life: name} }); n != 1 {
				t.Errorf("ready %d times", n)
			}
		})
	}
}

// That somebody else's worker hangs is no worker's fault.
func TestForeignStuckLane(t *testing.T) {
	t.Parallel()
	r := newRig(t, asCommand("command"))
	proxy, _ := r.startProxy()
	name, _ := r.launch(0, 1)
	r.ready(name, 1)
	foreign := connect(r.home.ports.connect(r.svc), "- busy")
	defer func() { _ = foreign.Close() }()
	await.Until(t, "the foreign lane", func() bool {
		snapshot, err := r.Snapshot(t.Context(), "hello")
		return err == nil && len(snapshot.Lanes) == 2
	})
	kill(t, r.pid(proxy), unix.SIGUSR1)
	r.log.await(t, map[string]any{
		"level": "warn", "reason": "a request is past its timeout of 30s",
		"message": "a worker that zfleet did not start hangs: it gets no requests until it has answered",
	})
	kill(t, r.pid(name), unix.SIGKILL)
	r.exit(name)
	if n := r.count(isHung); n != 0 {
		t.Errorf("Hung %d times", n)
	}
}

func isHung(e fleet.Event) bool {
	_, ok := e.(fleet.Hung)
	return ok
}
