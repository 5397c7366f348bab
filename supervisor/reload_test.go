package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// reloads makes the fleet what these services say, and checks the plan.
func (b *bench) reloads(dry bool, want string, all ...fleet.Service) {
	b.Helper()
	plan, err := b.Reload(b.Context(), fleet.Spec{Name: "test", Services: all}, dry, "test")
	if err != nil {
		b.Fatalf("Reload: %v", err)
	}
	got := ""
	for _, step := range plan {
		got += step.String() + "\n"
	}
	if got != want {
		b.Fatalf("the plan is\n%swant\n%s", got, want)
	}
}

func TestReloadDoesWhatThePlanSays(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		next := service("hello", 3)
		next.Workers.Plugin, next.Workers.Max = "v2", 3
		plan := "set hello: workers.max 8 → 3\nscale hello: 2 → 3\nroll hello: workers.plugin none → v2\n"
		b.reloads(true, plan, next)
		b.quiet()
		b.reloads(false, plan, next)
		seen := map[int]int{}
		for range 3 {
			p := b.next()
			if p.svc.Workers.Plugin != "v2" {
				t.Errorf("%v is started as %+v", p.life, p.svc.Workers)
			}
			seen[p.life.Slot]++
			p.ready()
			b.settle()
			for _, old := range b.workers {
				if old.told() == "stop" {
					old.exit(0)
				}
			}
		}
		if len(seen) != 3 {
			t.Errorf("started in slots %v", seen)
		}
		b.came(b.rolling(), "done")
		b.answered(b.settling(""), "")
		b.reloads(false, "", next)
		if _, err := b.Scale(t.Context(), "", "test", func(int) int { return 4 }); err == nil {
			t.Error("the new bound does not hold")
		}
		b.quiet()
	})
}

func TestReloadThatIsRefusedChangesNothing(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		next := service("hello", 3)
		if _, err := b.Upgrade(t.Context(), "", "test"); err != nil {
			t.Fatal(err)
		}
		proxy := b.next()
		next.Frontend = []string{"tcp://*:1"}
		b.reloads(false, "refuse hello: a new proxy is taking over just now: try again when it has (frontend none → tcp://*:1)\n", next)
		b.quiet()
		if did := b.launcher.portsOf(); did != nil {
			t.Errorf("ports: %q", did)
		}
		proxy.exit(1)
		view, err := b.View(t.Context())
		if err != nil || view.Services[0].Want != 2 {
			t.Errorf("%+v, %v", view, err)
		}
	})
}

// What a reload brought is taken back with its roll, for whoever is started from then on.
func TestReloadIsTakenBack(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		next := service("hello", 2)
		next.Workers.Plugin = "v2"
		b.reloads(false, "roll hello: workers.plugin none → v2\n", next)
		b.next().ready()
		b.settle()
		b.workers[0].exit(0)
		b.next().exit(78)
		b.came(b.rolling(), "frozen")
		if _, err := b.Continue(t.Context(), "", "test"); err != nil {
			t.Fatal(err)
		}
		dismissed := b.next()
		first, last := b.rollingOf(1), b.rolling()
		if roll, err := b.Undo(t.Context(), "", "test"); err != nil || roll.State != fleet.RollRolling || roll.Of != 1 {
			t.Errorf("Undo: %+v, %v", roll, err)
		}
		b.came(b.rollingOf(2), "")
		dismissed.exit(0)
		if p := b.next(); p.svc.Workers.Plugin != "" || p.life.Slot != 0 {
			t.Errorf("%v is started as %+v", p.life, p.svc.Workers)
		}
		b.came(first, "undone")
		b.came(last, "")
		b.reloads(true, "roll hello: workers.plugin none → v2\n", next)
	})
}

func TestReloadOfAStaleProgramAndOfACountChangedByHand(t *testing.T) {
	hello := service("hello", 1)
	inBubble(t, services(hello), func(t *testing.T, b *bench) {
		b.scaleTo(2)
		b.next().ready()
		b.launcher.measured.Store(&map[fleet.Life]fleet.Measure{b.workers[0].life: {Stale: true}})
		time.Sleep(measureEvery)
		b.settle()
		b.reloads(true, "scale hello: 2 → 1 (count was changed by hand to 2: back to what the file says)\n"+
			"roll hello: its program has changed on disk\n", hello)
		b.Shutdown(false, "test")
		if plan, err := b.Reload(t.Context(), fleet.Spec{Name: "test"}, false, "test"); err == nil ||
			err.Error() != "cannot reload the fleet: the fleet is shutting down" {
			t.Errorf("%v, %v", plan, err)
		}
	})
}

// gone waits until nothing is left of a service, and tells how that ended.
func (b *bench) goneOf(service string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- b.Gone(b.Context(), service) }()
	b.settle()
	return done
}

// ends plays the end of a service with one worker.
func (b *bench) ends(proxy, worker *fakeProcess) {
	b.Helper()
	b.settle()
	q := <-b.launcher.quiesced
	if q.service != proxy.life.Service {
		b.Fatalf("%s is quiesced", q.service)
	}
	b.expect(worker, "")
	q.tell(fleet.Quiesced{Service: q.service})
	b.expect(worker, "stop")
	b.expect(proxy, "")
	worker.exit(0)
	b.expect(proxy, "stop")
	proxy.exit(0)
	b.settle()
}

// comes is the proxy and the one worker of a service that was added, ready.
func (b *bench) comes(service string) (proxy, worker *fakeProcess) {
	b.Helper()
	proxy, worker = b.next(), b.next()
	if proxy.life.Slot != fleet.ProxySlot || proxy.life.Service != service || worker.life.Service != service {
		b.Fatalf("%v and %v are started", proxy.life, worker.life)
	}
	proxy.ready()
	worker.ready()
	b.answered(b.settling(service), "")
	return proxy, worker
}

func TestReloadAddsAndRemovesServices(t *testing.T) {
	hello, echo := service("hello", 1), service("echo", 1)
	inBubble(t, services(hello), func(t *testing.T, b *bench) {
		b.reloads(true, "add echo\n", echo, hello)
		b.quiet()
		b.reloads(false, "add echo\n", echo, hello)
		if open := b.launcher.open(); !slices.Equal(open, []string{"echo"}) {
			t.Errorf("open: %v", open)
		}
		proxy, worker := b.comes("echo")
		if first := b.Services()[0].Name; first != "echo" {
			t.Errorf("the first service is %s", first)
		}
		b.launcher.measured.Store(&map[fleet.Life]fleet.Measure{worker.life: {Stale: true}})
		time.Sleep(measureEvery)
		b.settle()
		b.reloads(true, "roll echo: its program has changed on disk\n", echo, hello)

		b.reloads(false, "remove echo\n", hello)
		b.quiet()
		waits := b.goneOf("echo")
		b.reloads(true, "refuse echo: it is still being removed: try again when it is gone\n", echo, hello)
		b.reloads(true, "", hello)
		for name, ask := range map[string]func() error{
			"Scale":   func() error { _, err := b.Scale(t.Context(), "echo", "", func(int) int { return 1 }); return err },
			"Restart": func() error { _, err := b.Restart(t.Context(), "echo", fleet.AllSlots, ""); return err },
			"Settled": func() error { return b.Settled(t.Context(), "echo") },
		} {
			if err := ask(); err == nil || !strings.Contains(err.Error(), `this fleet has no service "echo", it has hello`) {
				t.Errorf("%s: %v", name, err)
			}
		}
		b.ends(proxy, worker)
		b.answered(waits, "")
		b.answered(b.goneOf("echo"), "")
		if open := b.launcher.open(); len(open) > 0 {
			t.Errorf("open: %v", open)
		}
		b.expect(b.workers[0], "")

		b.reloads(false, "add echo\n", hello, echo)
		if proxy, _ = b.comes("echo"); proxy.life.N != 2 {
			t.Errorf("%v has come back", proxy.life)
		}
	})
}

// Who waits for a service that is removed meanwhile is told so.
func TestWhoWaitsForAServiceThatIsRemoved(t *testing.T) {
	hello, echo := service("hello", 1), service("echo", 1)
	inBubble(t, services(hello, echo), func(t *testing.T, b *bench) {
		b.launcher.inflight = b.silent
		if _, err := b.Restart(t.Context(), "echo", fleet.AllSlots, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Scale(t.Context(), "echo", "test", func(int) int { return 2 }); err != nil {
			t.Fatal(err)
		}
		settled, scaled := b.settling("echo"), make(chan error, 1)
		rolled, upgraded := make(chan error, 1), make(chan error, 1)
		if _, err := b.Upgrade(t.Context(), "echo", "test"); err != nil {
			t.Fatal(err)
		}
		go func() { _, err := b.Rolled(b.Context(), "echo", 0); rolled <- err }()
		go func() { _, err := b.Upgraded(b.Context(), "echo"); upgraded <- err }()
		go func() { _, err := b.Scale(b.Context(), "echo", "test", func(int) int { return 1 }); scaled <- err }()
		b.settle()
		b.reloads(false, "remove echo\n", hello)
		b.answered(settled, "echo did not settle: the service is removed")
		b.answered(rolled, "the rolling restart of echo did not end: the service is removed")
		b.answered(upgraded, "cannot wait for the upgrade of echo: the service is removed")
		time.Sleep(inflightTimeout)
		b.answered(scaled, "cannot scale echo: the service is removed")
		waits := b.goneOf("echo")
		b.Shutdown(false, "test")
		b.answered(waits, "echo is not gone: the fleet is shutting down")
	})
}

// What cannot be opened, or is not wanted any more when it has been, leaves nothing open and nothing changed.
func TestReloadThatCannotOpenAService(t *testing.T) {
	hello, echo, third := service("hello", 1), service("echo", 1), service("third", 1)
	inBubble(t, services(hello), func(t *testing.T, b *bench) {
		b.launcher.refuse = map[string]error{"third": errors.New("the port is taken")}
		more := service("hello", 2)
		for range 2 { // also the second time
			_, err := b.Reload(t.Context(), fleet.Spec{Name: "test", Services: services(more, echo, third)}, false, "test")
			if err == nil || err.Error() != "cannot reload the fleet: the port is taken" {
				t.Errorf("Reload: %v", err)
			}
			b.quiet()
			if open := b.launcher.open(); len(open) > 0 {
				t.Errorf("open: %v", open)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		b.launcher.opening = cancel // and gives up meanwhile
		if _, err := b.Reload(ctx, fleet.Spec{Name: "test", Services: services(hello, echo)}, false, "test"); !errors.Is(err, context.Canceled) {
			t.Errorf("Reload: %v", err)
		}
		b.quiet()
		if open := b.launcher.open(); len(open) > 0 {
			t.Errorf("open: %v", open)
		}
	})
}

// One reload at a time: what one opens the other does not. Who does not want to wait for that need not.
func TestReloadsComeOneAfterTheOther(t *testing.T) {
	hello, echo := service("hello", 1), service("echo", 1)
	inBubble(t, services(hello), func(t *testing.T, b *bench) {
		slow := make(chan struct{})
		b.launcher.opening = func() { <-slow }
		outcome := make(chan string, 2)
		reload := func(ctx context.Context) {
			plan, err := b.Reload(ctx, fleet.Spec{Name: "test", Services: services(hello, echo)}, false, "test")
			outcome <- fmt.Sprint(plan, err)
		}
		go reload(t.Context())
		b.settle()
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go reload(hasty)
		if got := <-outcome; got != "[] cannot reload the fleet: context deadline exceeded" {
			t.Errorf("the hasty one: %s", got)
		}
		go reload(t.Context())
		b.quiet()
		close(slow)
		if first, second := <-outcome, <-outcome; first != "[add echo] <nil>" || second != "[] <nil>" {
			t.Errorf("%s, then %s", first, second)
		}
		b.comes("echo")
	})
}

// An upgrade that fails between the plan and what is done brings back what was declared before: ports that nobody has opened.
func TestReloadWithoutItsPorts(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		next := service("hello", 1)
		next.Frontend = []string{"tcp://*:1"}
		r := &reloadRequest{ctx: t.Context(), spec: fleet.Spec{Name: "test", Services: []fleet.Service{next}}, by: "test"}
		if _, err := b.askReload(r); err == nil || !strings.Contains(err.Error(), "has changed meanwhile: try again") {
			t.Errorf("got %v", err)
		}
		b.quiet()
	})
}
