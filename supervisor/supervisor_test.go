package supervisor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

func TestEachProcessIsLaunchedWithItsService(t *testing.T) {
	inBubble(t, services(service("hello", 2), service("echo", 1)), func(t *testing.T, b *bench) {
		if len(b.proxy) != 2 || len(b.workers) != 3 {
			t.Fatalf("launched %d proxies and %d workers", len(b.proxy), len(b.workers))
		}
		for _, p := range append(b.workers, b.proxy["hello"], b.proxy["echo"]) {
			if p.svc.Name != p.life.Service {
				t.Errorf("%v was launched for service %q", p.life, p.svc.Name)
			}
		}
	})
}

func TestCrashedWorkerComesBackAtOnceThenAfterItsBackoff(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.workers[0].exit(1)
		second := b.next()
		if want := (fleet.Life{Service: "hello", Slot: 0, N: 2}); second.life != want {
			t.Fatalf("launched %v, want %v", second.life, want)
		}
		second.ready()
		second.exit(1)
		time.Sleep(499 * time.Millisecond)
		b.quiet()
		time.Sleep(time.Millisecond)
		if third := b.next(); third.life.N != 3 {
			t.Errorf("launched %v, want the third life", third.life)
		}
		b.quiet()
		if n := len(b.processes); n != 2 {
			t.Errorf("%d processes are kept, where a proxy and a worker live", n)
		}
	})
}

func TestSlowStarterIsKilled(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.workers[0].exit(1)
		slow := b.next()
		time.Sleep(30*time.Second - time.Millisecond)
		b.expect(slow, "")
		time.Sleep(time.Millisecond)
		b.expect(slow, "abort")
	})
}

// A launcher that fails at once tells so before Launch returns, and everything else that it likes.
func TestLauncherMayTellBeforeItReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, services(service("hello", 3)))
		b.launcher.early = func(l fleet.Life, tell func(fleet.Event)) {
			for range 1000 {
				tell(fleet.BecameUnready{Life: l, Reason: "no lane yet"})
			}
			tell(fleet.Exited{Life: l, Exit: fleet.Exit{Code: 78}})
		}
		b.run()
		b.settle()
		view, err := b.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range view.Services[0].Workers {
			if w.State != fleet.StateStopped || w.Life.N != 1 {
				t.Errorf("%v is %s, want it stopped", w.Life, w.State)
			}
		}
		b.end()
	})
}

func TestNotesTellEveryChange(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.notes = nil
		b.workers[0].exit(3)
		b.next().exit(4)
		b.settle()
		var told []string
		for _, n := range b.notes {
			told = append(told, n.Life.String()+" "+string(n.To)+" "+n.Delay.String())
		}
		want := "hello/0#1 backoff 0s, hello/0#1 pending 0s, hello/0#2 starting 0s, hello/0#2 backoff 500ms"
		if got := strings.Join(told, ", "); got != want {
			t.Errorf("told\n%s, want\n%s", got, want)
		}
	})
}

func TestViewShowsTheCore(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.workers[1].tell(fleet.Launched{Life: b.workers[1].life, Pid: 42})
		view, err := b.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		svc := view.Services[0]
		if svc.Want != 2 || svc.Ready != 2 || svc.Workers[1].Pid != 42 || svc.Workers[1].Life != b.workers[1].life {
			t.Errorf("the view is %+v", svc)
		}
	})
}

// After the end, whoever asks is told so.
func TestAskedAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, services(service("hello", 0)))
		b.run()
		b.next()
		b.end()
		_, err := b.View(t.Context())
		if !errors.Is(err, ErrEnded) {
			t.Errorf("View: %v", err)
		}
		if _, err = b.Scale(t.Context(), "", "test", func(int) int { return 3 }); !errors.Is(err, ErrEnded) {
			t.Errorf("Scale: %v", err)
		}
		if err = b.Settled(t.Context(), ""); !errors.Is(err, ErrEnded) {
			t.Errorf("Settled: %v", err)
		}
		b.Shutdown(false, "test") // to nobody
		b.tell(fleet.TimePassed{})
		if n := len(b.mail.take()); n != 0 {
			t.Errorf("%d messages are kept for nobody", n)
		}
		if err := b.Supervisor.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "run already") {
			t.Errorf("a second Run: %v", err)
		}
	})
}

// An answer that comes with the end is an answer.
func TestAnswerThatComesWithTheEnd(t *testing.T) {
	s := New(fleet.Spec{}, newFakeLauncher(), Options{})
	close(s.done)
	for range 100 {
		reply := make(chan int, 1)
		reply <- 7
		if answer, err := ask(t.Context(), s, nil, reply); answer != 7 || err != nil {
			t.Fatalf("it is %d, %v", answer, err)
		}
	}
}

// Before Run, whoever asks waits for it.
func TestAskedBeforeTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, services(service("hello", 1)))
		early, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.View(early); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("View without Run: %v", err)
		}
		views := make(chan fleet.View)
		go func() {
			view, _ := b.View(t.Context())
			views <- view
		}()
		b.settle()
		b.run()
		if view := <-views; len(view.Services) != 1 {
			t.Errorf("the view is %+v", view)
		}
		b.end()
	})
}
