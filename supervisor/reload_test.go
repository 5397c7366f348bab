package supervisor

import (
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
		next.Frontend = []string{"tcp://*:1"}
		b.reloads(false, "refuse hello: frontend none → tcp://*:1\nscale hello: 2 → 3\n", next)
		b.quiet()
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
