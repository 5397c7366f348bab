package supervisor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// restarts asks for a rolling restart of hello.
func (b *bench) restarts(slot int) fleet.RollView {
	b.Helper()
	roll, err := b.Restart(b.Context(), "hello", slot, "test")
	if err != nil {
		b.Fatalf("Restart: %v", err)
	}
	return roll
}

// rolling waits for a roll in a goroutine; what comes is its state, or the error's words.
func (b *bench) rolling() <-chan string { return b.rollingOf(0) }

func (b *bench) rollingOf(number int) <-chan string {
	outcome := make(chan string, 1)
	go func() {
		roll, err := b.Rolled(b.Context(), "", number)
		if err != nil {
			outcome <- err.Error()
			return
		}
		outcome <- string(roll.State)
	}()
	b.settle()
	return outcome
}

// came checks what a wait has come to; "": nothing yet.
func (b *bench) came(outcome <-chan string, want string) {
	b.Helper()
	b.settle()
	got := ""
	select {
	case got = <-outcome:
	default:
	}
	if got != want {
		b.Fatalf("the restart came to %q, want %q", got, want)
	}
}

func (b *bench) refused(err error, want string) {
	b.Helper()
	if err == nil || err.Error() != want {
		b.Fatalf("got %v, want %s", err, want)
	}
}

func TestRestartReplacesOneAfterTheOther(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.came(b.rolling(), "") // there never was one
		if roll := b.restarts(fleet.AllSlots); roll.Number != 1 || roll.Of != 2 || roll.State != fleet.RollRolling {
			t.Errorf("it begins as %+v", roll)
		}
		outcome := b.rolling()
		for i := range 2 {
			next := b.next()
			b.quiet()
			b.expect(b.workers[i], "")
			next.ready()
			b.expect(b.workers[i], "stop")
			b.quiet()
			b.came(outcome, "")
			b.workers[i].exit(0)
		}
		b.came(outcome, "done")
		b.quiet()
	})
}

func TestRestartThatFreezesIsContinuedOrUndone(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.restarts(fleet.AllSlots)
		outcome := b.rolling()
		b.next().exit(78)
		b.came(outcome, "frozen")
		b.quiet()
		_, err := b.Restart(t.Context(), "hello", 1, "test")
		b.refused(err, "cannot restart hello: its rolling restart is frozen: continue it, undo it, or restart the whole service")
		if _, err := b.Continue(t.Context(), "hello", "test"); err != nil {
			t.Fatal(err)
		}
		outcome = b.rolling()
		next := b.next()
		_, err = b.Continue(t.Context(), "hello", "test")
		b.refused(err, "cannot continue the rolling restart of hello: it is not frozen, it goes on")
		if roll, err := b.Undo(t.Context(), "", "test"); err != nil || roll.State != fleet.RollUndone {
			t.Fatalf("Undo: %+v, %v", roll, err)
		}
		b.came(outcome, "undone")
		b.expect(next, "stop")
		b.expect(b.workers[0], "")
		_, err = b.Undo(t.Context(), "", "test")
		b.refused(err, "cannot give up the rolling restart of hello: none is under way")
	})
}

func TestRestartOfWhatThereIsNot(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		_, err := b.Restart(t.Context(), "helo", fleet.AllSlots, "test")
		b.refused(err, `cannot restart a service: this fleet has no service "helo", it has hello`)
		_, err = b.Restart(t.Context(), "hello", 2, "test")
		b.refused(err, "cannot restart hello: hello has no worker 2")
		_, err = b.Rolled(t.Context(), "helo", 0)
		b.refused(err, `cannot wait for a service: this fleet has no service "helo", it has hello`)
		b.restarts(1)
		outcome := b.rolling()
		b.Shutdown(false, "test")
		b.came(outcome, "the rolling restart of hello did not end: the fleet is shutting down")
		_, err = b.Restart(t.Context(), "hello", fleet.AllSlots, "test")
		b.refused(err, "cannot restart hello: the fleet is shutting down")
	})
}

func TestWaitForARestartGivenUp(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.restarts(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Rolled(ctx, "", 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Rolled: %v", err)
		}
		b.next().ready() // somebody looks at those who wait
		b.settle()
		if n := len(b.waiters); n > 0 {
			t.Errorf("%d waiters are kept of whom all have given up", n)
		}
	})
}

// A successor that fails for ever is no reason not to settle: its predecessor serves.
func TestSettledDoesNotWaitForSuccessors(t *testing.T) {
	hello := service("hello", 1)
	hello.Workers.MaxRequests = 10
	inBubble(t, services(hello), func(t *testing.T, b *bench) {
		b.tell(fleet.Measured{Service: "hello", Workers: map[fleet.Life]fleet.Measure{b.workers[0].life: {Requests: 10}}})
		b.next().exit(78)
		b.answered(b.settling(""), "")
	})
}

// Workers are measured once a second, and one that has done enough is replaced.
func TestWorkersAreMeasured(t *testing.T) {
	hello := service("hello", 2)
	hello.Workers.MaxRequests = 10
	inBubble(t, services(hello), func(t *testing.T, b *bench) {
		b.launcher.measured.Store(&map[fleet.Life]fleet.Measure{b.workers[1].life: {Requests: 10, Stale: true}})
		time.Sleep(measureEvery - time.Nanosecond)
		b.quiet()
		time.Sleep(time.Nanosecond)
		next := b.next()
		view, err := b.View(t.Context())
		if err != nil || !view.Services[0].Workers[1].Stale || view.Services[0].Workers[2].Replaces != b.workers[1].life {
			t.Errorf("%+v, %v", view, err)
		}
		next.ready()
		b.expect(b.workers[1], "stop")
		b.expect(b.workers[0], "")
	})
}

func TestRollsAreNoted(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.restarts(0)
		b.next().tell(fleet.Exited{Life: fleet.Life{Service: "hello", Slot: 0, N: 2}, Exit: fleet.Exit{Code: 78, LastLines: []string{"no model"}}})
		b.settle()
		if n := len(b.rolls); n != 2 || b.rolls[0].To != fleet.RollRolling || b.rolls[1].To != fleet.RollFrozen || b.rolls[1].LastLines[0] != "no model" {
			t.Errorf("noted: %+v", b.rolls)
		}
	})
}
