package supervisor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

func TestShutdownGoesDownTheLadder(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.cancel()
		b.settle()
		quiesce := <-b.launcher.quiesced
		b.expect(b.workers[0], "")
		quiesce.tell(fleet.Quiesced{Service: quiesce.service})
		b.expect(b.workers[0], "stop")
		b.expect(b.workers[1], "stop")
		b.workers[0].exit(0)
		b.expect(b.proxy["hello"], "")
		b.workers[1].exit(0)
		b.expect(b.proxy["hello"], "stop")
		if len(b.result) != 0 {
			t.Fatal("Run returned before the proxy had ended")
		}
		b.proxy["hello"].exit(0)
		b.settle()
		if len(b.result) != 1 {
			t.Fatal("Run goes on after the last process")
		}
		b.quiet()
	})
}

func TestSecondShutdownKills(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.Shutdown(false, "test")
		b.expect(b.workers[0], "")
		b.Shutdown(false, "test")
		for _, p := range append(b.workers, b.proxy["hello"]) {
			b.expect(p, "kill")
			p.exit(-1)
		}
		b.settle()
		if len(b.result) != 1 {
			t.Fatal("Run goes on after the last process")
		}
	})
}

func TestShutdownNow(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.Shutdown(true, "test")
		b.expect(b.workers[0], "kill")
		b.expect(b.proxy["hello"], "kill")
	})
}

// Cancelling Run's context while a shutdown is under way is not asking a second time.
func TestCancellingDuringAShutdownKillsNobody(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.Shutdown(false, "test")
		b.settle()
		b.cancel()
		b.expect(b.workers[0], "")
		b.expect(b.proxy["hello"], "")
		if n := len(b.launcher.quiesced); n != 1 {
			t.Errorf("quiesced %d times", n)
		}
	})
}

// A context that was cancelled before Run still ends what Run started.
func TestCancelledBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, services(service("hello", 1)))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		go func() { b.result <- b.Supervisor.Run(ctx) }()
		proxy, worker := b.next(), b.next()
		quiesce := <-b.launcher.quiesced
		quiesce.tell(fleet.Quiesced{Service: "hello"})
		b.expect(worker, "stop")
		worker.exit(0)
		b.expect(proxy, "stop")
		proxy.exit(0)
		if err := <-b.result; err != nil {
			t.Error(err)
		}
	})
}

// Who waits when the fleet ends is told.
func TestTheEndReachesThoseWhoWait(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.launcher.inflight = b.silent
		errs := make(chan error, 1)
		go func() {
			_, err := b.Scale(t.Context(), "", "test", func(int) int { return 1 })
			errs <- err
		}()
		b.settle()
		b.Shutdown(true, "test")
		for _, p := range append(b.workers, b.proxy["hello"]) {
			p.exit(-1)
		}
		b.settle()
		select {
		case err := <-errs:
			if !errors.Is(err, ErrEnded) {
				t.Errorf("Scale: %v", err)
			}
		default:
			t.Error("Scale waits for a fleet that has ended")
		}
	})
}
