package supervisor

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// upgrading asks for an upgrade, and waits for its outcome beside the test.
func (b *bench) upgrading() <-chan upgradeReply {
	b.Helper()
	if view, err := b.Upgrade(b.Context(), "", "uid 1000"); err != nil || view.State != fleet.UpgradeUpgrading {
		b.Fatalf("Upgrade: %+v, %v", view, err)
	}
	return b.upgraded()
}

func (b *bench) upgraded() <-chan upgradeReply {
	outcome := make(chan upgradeReply, 1)
	go func() {
		view, err := b.Upgraded(b.Context(), "hello")
		outcome <- upgradeReply{view, err}
	}()
	b.settle()
	return outcome
}

// outcome is what an upgrade has come to by now.
func (b *bench) outcome(of <-chan upgradeReply) (r upgradeReply, over bool) {
	b.settle()
	select {
	case r = <-of:
		return r, true
	default:
		return r, false
	}
}

// An upgrade is over when the new proxy serves and the old one has ended.
func TestUpgradeWaitsForBoth(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		of := b.upgrading()
		next := b.next()
		if next.life != (fleet.Life{Service: "hello", Slot: fleet.ProxySlot, N: 2}) {
			t.Fatalf("%v is started", next.life)
		}
		b.expect(b.proxy["hello"], "")
		next.ready()
		b.expect(b.proxy["hello"], "stop")
		if r, over := b.outcome(of); over {
			t.Errorf("it is over while the old one lives: %+v", r)
		}
		b.proxy["hello"].exit(0)
		if r, over := b.outcome(of); !over || r.err != nil || r.upgrade.State != fleet.UpgradeDone || r.upgrade.Number != 1 {
			t.Errorf("it came to %+v, over: %t", r, over)
		}
		b.expect(b.workers[0], "")
	})
}

func TestUpgradeThatFails(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		of := b.upgrading()
		b.next().tell(fleet.Exited{Life: fleet.Life{Service: "hello", Slot: fleet.ProxySlot, N: 2}, Exit: fleet.Exit{
			Code: 1, LastLines: []string{"no such format"},
		}})
		r, over := b.outcome(of)
		if !over || r.err != nil || r.upgrade.State != fleet.UpgradeFailed || !strings.Contains(r.upgrade.Reason, "no such format") {
			t.Errorf("it came to %+v, over: %t", r, over)
		}
		b.expect(b.proxy["hello"], "")
		b.quiet()
		if _, err := b.Upgrade(t.Context(), "helo", ""); err == nil || !strings.Contains(err.Error(), "it has hello") {
			t.Errorf("Upgrade of another service: %v", err)
		}
	})
}

func TestUpgradeOfAFleetThatEnds(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		of := b.upgrading()
		b.next()
		b.Shutdown(false, "test")
		if r, over := b.outcome(of); !over || r.err == nil || !strings.Contains(r.err.Error(), "shutting down") {
			t.Errorf("it came to %+v, over: %t", r, over)
		}
		if _, err := b.Upgrade(t.Context(), "", ""); err == nil {
			t.Error("it is upgraded while it ends")
		}
	})
}

// Other ports are opened before anything is done, and those that are not needed any more closed when the new proxy serves.
func TestReloadChangesPorts(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		next := service("hello", 1)
		next.Frontend, next.Delivery.Queue = []string{"tcp://*:2"}, 7
		const plan = "proxy hello: frontend none → tcp://*:2, delivery.queue 0 → 7\n"
		b.reloads(true, plan, next)
		if did := b.launcher.portsOf(); did != nil {
			t.Errorf("ports: %q", did)
		}
		b.launcher.refuse = map[string]error{"hello": errors.New("port in use")}
		if _, err := b.Reload(t.Context(), fleet.Spec{Name: "test", Services: services(next)}, false, ""); err == nil {
			t.Error("a port in use is no reason to refuse")
		}
		b.quiet()
		b.launcher.refuse = nil
		b.reloads(false, plan, next)
		of, proxy := b.upgraded(), b.next()
		if proxy.svc.Frontend[0] != "tcp://*:2" || proxy.svc.Delivery.Queue != 7 {
			t.Errorf("started with %+v", proxy.svc)
		}
		if did := b.launcher.portsOf(); !slices.Equal(did, []string{"open tcp://*:2"}) {
			t.Errorf("ports: %q", did)
		}
		proxy.ready()
		b.settle()
		if did := b.launcher.portsOf(); !slices.Equal(did, []string{"keep tcp://*:2"}) {
			t.Errorf("ports: %q", did)
		}
		b.proxy["hello"].exit(0)
		if r, over := b.outcome(of); !over || r.upgrade.State != fleet.UpgradeDone {
			t.Errorf("it came to %+v, over: %t", r, over)
		}

		next.Frontend = []string{"tcp://*:3"} // and back, for a proxy that cannot
		b.reloads(false, "proxy hello: frontend tcp://*:2 → tcp://*:3\n", next)
		b.next().exit(1)
		b.settle()
		if did := b.launcher.portsOf(); !slices.Equal(did, []string{"open tcp://*:3", "keep tcp://*:2"}) {
			t.Errorf("ports: %q", did)
		}
		b.reloads(true, "proxy hello: frontend tcp://*:2 → tcp://*:3\n", next)
	})
}
