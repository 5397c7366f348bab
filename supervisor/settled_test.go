package supervisor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// settling waits for a service in a goroutine; the answer comes on the channel.
func (b *bench) settling(service string) <-chan error {
	answer := make(chan error, 1)
	go func() { answer <- b.Settled(b.Context(), service) }()
	b.settle()
	return answer
}

// answered checks what a wait has come to: "waits", "" or the error's words.
func (b *bench) answered(answer <-chan error, want string) {
	b.Helper()
	b.settle()
	got := "waits"
	select {
	case err := <-answer:
		got = ""
		if err != nil {
			got = err.Error()
		}
	default:
	}
	if got != want {
		b.Fatalf("Settled came to %q, want %q", got, want)
	}
}

func TestSettledWaitsForReadyAndForThoseWhoLeave(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.answered(b.settling(""), "")

		b.scaleTo(4)
		up := b.settling("hello")
		third, fourth := b.next(), b.next()
		third.ready()
		b.answered(up, "waits")
		fourth.ready()
		b.answered(up, "")

		b.scaleTo(3)
		down := b.settling("hello")
		b.answered(down, "waits")
		fourth.tell(fleet.DrainEnded{Life: fourth.life})
		b.answered(down, "waits")
		fourth.exit(0)
		b.answered(down, "")
	})
}

func TestSettledWaitsThroughACrash(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.workers[0].exit(1)
		b.next().exit(1)
		again := b.settling("")
		time.Sleep(500 * time.Millisecond)
		b.answered(again, "waits")
		b.next().ready()
		b.answered(again, "")
	})
}

func TestSettledEndsEarlyWhereWaitingIsInVain(t *testing.T) {
	inBubble(t, services(service("hello", 2)), func(t *testing.T, b *bench) {
		b.scaleTo(3)
		stopped := b.settling("")
		b.next().exit(78)
		b.answered(stopped, "hello did not settle: hello/2#1 stopped: exited with status 78 (which asks for no restart: mend it, then zfleet restart hello/2)")
		b.answered(b.settling(""), "hello did not settle: hello/2#1 stopped: exited with status 78 (which asks for no restart: mend it, then zfleet restart hello/2)")
	})
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.workers[0].exit(1)
		b.next().exit(1)
		time.Sleep(500 * time.Millisecond)
		looping := b.settling("")
		b.next().exit(1)
		b.answered(looping, "hello did not settle: hello/0#3 is in a crash loop: exited with status 1")
	})
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.workers[0].tell(fleet.BecameUnready{Life: b.workers[0].life, Reason: "lane lost"})
		proxyless := b.settling("")
		b.proxy["hello"].exit(1)
		for range 4 {
			time.Sleep(time.Second)
			b.next().exit(1)
		}
		b.answered(proxyless, "hello did not settle: hello/proxy#5 is in a crash loop: exited with status 1")
	})
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.scaleTo(2)
		ending := b.settling("")
		b.Shutdown(false, "test")
		b.answered(ending, "hello did not settle: the fleet is shutting down")
	})
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.answered(b.settling("nobody"), `cannot wait for a service: this fleet has no service "nobody", it has hello`)
	})
}

// A service without workers has settled when its proxy is there.
func TestSettledWaitsForTheProxy(t *testing.T) {
	inBubble(t, services(service("hello", 0)), func(t *testing.T, b *bench) {
		b.answered(b.settling(""), "")
		b.proxy["hello"].exit(1)
		again := b.settling("")
		b.answered(again, "waits")
		b.next().ready()
		b.answered(again, "")
	})
}

// A service that does not settle is no matter of its neighbour's.
func TestSettledLooksAtOneService(t *testing.T) {
	inBubble(t, services(service("hello", 1), service("echo", 1)), func(t *testing.T, b *bench) {
		b.workers[0].exit(78)
		b.answered(b.settling("echo"), "")
	})
}

// Those who gave up are forgotten.
func TestSettledGivenUp(t *testing.T) {
	inBubble(t, services(service("hello", 1)), func(t *testing.T, b *bench) {
		b.scaleTo(2)
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if err := b.Settled(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Settled: %v", err)
			}
			cancel()
		}
		b.settle()
		if n := len(b.waiters); n > 1 {
			t.Errorf("%d waiters are kept of whom all have given up", n)
		}
	})
}
