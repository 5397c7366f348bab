package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

func by(n int) func(int) int { return func(want int) int { return want + n } }

func to(n int) func(int) int { return func(int) int { return n } }

func TestScaleToItsBounds(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.scaleTo(8)
		b.scaleTo(1)
	})
}

func TestScaleUpAnswersAtOnce(t *testing.T) {
	inBubble(t, services(service("hello", 1), service("echo", 1)), func(t *testing.T, b *bench) {
		b.launcher.inflight = b.silent
		for _, test := range []struct {
			service string
			launch  fleet.Life
		}{
			{"", fleet.Life{Service: "hello", Slot: 1, N: 1}},
			{"echo", fleet.Life{Service: "echo", Slot: 1, N: 1}},
			{"hello", fleet.Life{Service: "hello", Slot: 2, N: 1}},
		} {
			began := time.Now()
			want, err := b.Scale(t.Context(), test.service, "test", by(1))
			if err != nil || want != test.launch.Slot+1 {
				t.Errorf("Scale(%q) = %d, %v", test.service, want, err)
			}
			if waited := time.Since(began); waited != 0 {
				t.Errorf("Scale(%q) took %v", test.service, waited)
			}
			if p := b.next(); p.life != test.launch {
				t.Errorf("launched %v, want %v", p.life, test.launch)
			}
		}
	})
}

func TestScaleDownTakesTheIdle(t *testing.T) {
	inBubble(t, services(service("hello", 3)), func(t *testing.T, b *bench) {
		b.launcher.inflight = func(svc fleet.Service) map[fleet.Life]int {
			time.Sleep(900 * time.Millisecond)
			return map[fleet.Life]int{b.workers[0].life: 1, b.workers[2].life: 2}
		}
		b.scaleTo(2)
		b.expect(b.workers[1], "stop")
		b.scaleTo(1)
		b.expect(b.workers[0], "stop")
		b.expect(b.workers[2], "")
	})
}

// A proxy that does not answer delays scaling down by a second, however many wait for it, and no more.
func TestScaleDownDoesNotWaitForASilentProxy(t *testing.T) {
	inBubble(t, services(service("hello", 4)), func(t *testing.T, b *bench) {
		var asked atomic.Int32
		b.launcher.inflight = func(svc fleet.Service) map[fleet.Life]int {
			asked.Add(1)
			return b.silent(svc)
		}
		began := time.Now()
		errs := make(chan error)
		for range 3 {
			go func() {
				_, err := b.Scale(t.Context(), "", "test", by(-1))
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("it took %v", waited)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		b.expect(b.workers[0], "")
		b.expect(b.workers[1], "stop")
		if view, _ := b.View(t.Context()); view.Services[0].Want != 1 {
			t.Errorf("three times one fewer than 4 is %d", view.Services[0].Want)
		}
	})
}

// Whoever comes while a scaling down waits is served after it; another service is not kept waiting.
func TestScalesKeepTheirOrder(t *testing.T) {
	inBubble(t, services(service("hello", 3), service("echo", 1)), func(t *testing.T, b *bench) {
		b.launcher.inflight = func(fleet.Service) map[fleet.Life]int {
			time.Sleep(500 * time.Millisecond)
			return nil
		}
		answers := make(chan string, 3)
		scale := func(service string, n int) {
			want, err := b.Scale(t.Context(), service, "test", to(n))
			answers <- fmt.Sprintf("%s=%d %v", service, want, err)
		}
		go scale("hello", 1)
		b.settle()
		go scale("hello", 5)
		b.settle()
		go scale("echo", 2)
		var got []string
		for range 3 {
			got = append(got, <-answers)
			b.settle()
		}
		slices.Sort(got[1:]) // the two are answered in one turn of the loop
		if want := []string{"echo=2 <nil>", "hello=1 <nil>", "hello=5 <nil>"}; !slices.Equal(got, want) {
			t.Errorf("answered %q, want %q", got, want)
		}
		view, err := b.View(t.Context())
		if err != nil || view.Services[0].Want != 5 {
			t.Errorf("in the end %+v, %v", view, err)
		}
		b.expect(b.workers[2], "stop")
	})
}

func TestScaleRefuses(t *testing.T) {
	unbounded := service("echo", 1)
	unbounded.Workers.Min, unbounded.Workers.Max = 0, 0
	inBubble(t, services(service("hello", 2), unbounded), func(t *testing.T, b *bench) {
		for _, test := range []struct {
			service string
			want    int
			err     string
		}{
			{"", 0, "cannot scale hello: 0 workers are too few, [service.hello.workers] min is 1"},
			{"hello", 9, "cannot scale hello: 9 workers are too many, [service.hello.workers] max is 8"},
			{"echo", -1, "cannot scale echo: -1 workers are too few, [service.echo.workers] min is 0"},
			{"echo", 1e9, "cannot scale echo: 1000000000 workers are too many, without [service.echo.workers] max it is 10000"},
			{"nobody", 1, `cannot scale: this fleet has no service "nobody", it has hello, echo`},
		} {
			if want, err := b.Scale(t.Context(), test.service, "test", to(test.want)); err == nil || err.Error() != test.err || want != 0 {
				t.Errorf("Scale(%q, %d) = %d, %v\nwant %s", test.service, test.want, want, err, test.err)
			}
		}
		b.quiet()
		b.Shutdown(false, "test")
		if _, err := b.Scale(t.Context(), "", "test", to(3)); err == nil || !strings.Contains(err.Error(), "shutting down") {
			t.Errorf("Scale during a shutdown: %v", err)
		}
	})
}

func TestFleetWithoutServices(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bench) {
		if _, err := b.Scale(t.Context(), "", "test", to(1)); err == nil || !strings.Contains(err.Error(), "no services") {
			t.Errorf("Scale: %v", err)
		}
	})
}

// A shutdown that begins while a scaling down waits wins.
func TestScaleDownDuringAShutdown(t *testing.T) {
	inBubble(t, services(service("hello", 3)), func(t *testing.T, b *bench) {
		b.launcher.inflight = func(fleet.Service) map[fleet.Life]int {
			b.Shutdown(false, "test")
			return nil
		}
		if _, err := b.Scale(t.Context(), "", "test", to(1)); err == nil || !strings.Contains(err.Error(), "shutting down") {
			t.Errorf("Scale: %v", err)
		}
		b.expect(b.workers[2], "")
	})
}

// Who gives up while the request waits changes nothing.
func TestScaleGivenUp(t *testing.T) {
	inBubble(t, services(service("hello", 3)), func(t *testing.T, b *bench) {
		b.launcher.inflight = b.silent
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := b.Scale(ctx, "", "test", to(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Scale: %v", err)
		}
		time.Sleep(time.Minute)
		b.expect(b.workers[2], "")
		if view, _ := b.View(t.Context()); view.Services[0].Want != 3 {
			t.Errorf("wanted: %d", view.Services[0].Want)
		}
	})
}
