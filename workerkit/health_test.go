package workerkit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// askFor asks with a timeout and returns the verdict as text.
func (h *health) askFor(d time.Duration) string {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := h.ask(ctx); err != nil {
		return err.Error()
	}
	return "healthy"
}

func TestAHungHealthCheckIsNotJoinedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h := newHealth("health check", func(context.Context) error {
			calls++
			time.Sleep(2500 * time.Millisecond)
			return errors.New("the disk is full")
		}, zerolog.Nop())
		for _, want := range []string{ // it takes from 0 s to 2.5 s, then from 2.5 s to 5 s
			"the health check did not return within 1s",
			"an earlier health check has not returned yet",
			"the health check did not return within 1s",
		} {
			if got := h.askFor(time.Second); got != want {
				t.Errorf("got %s; want %s", got, want)
			}
		}
		time.Sleep(2 * time.Second)
		if got := h.askFor(3 * time.Second); got != "the disk is full" {
			t.Errorf("got %s", got)
		}
		if calls != 3 {
			t.Errorf("it was called %d times", calls)
		}
	})
}

func TestHealthBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for timeout, want := range map[time.Duration]time.Duration{
			100 * time.Millisecond: 75 * time.Millisecond,
			time.Second:            750 * time.Millisecond,
			10 * time.Second:       9750 * time.Millisecond,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			if got := healthBudget(ctx); got != want {
				t.Errorf("of %s: got %s; want %s", timeout, got, want)
			}
			cancel()
		}
		if got := healthBudget(t.Context()); got != 5*time.Second {
			t.Errorf("without a deadline: got %s", got)
		}
	})
}
