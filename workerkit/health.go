package workerkit

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"
)

// health asks a check of the author's, one call at a time however many ask: a check that hangs is not joined by another.
type health struct {
	name  string // of the check, for people
	check func(context.Context) error
	log   zerolog.Logger
	turn  chan struct{} // holds one while a check runs
}

func newHealth(name string, check func(context.Context) error, log zerolog.Logger) *health {
	return &health{name: name, check: check, log: log, turn: make(chan struct{}, 1)}
}

// ask returns the check's verdict, or says that there is none when ctx is done.
func (h *health) ask(ctx context.Context) error {
	began := time.Now()
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("an earlier %s has not returned yet", h.name)
	}
	verdict := make(chan error, 1)
	go h.run(ctx, verdict)
	select {
	case err := <-verdict:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the %s did not return within %s", h.name, time.Since(began).Round(time.Millisecond))
	}
}

func (h *health) run(ctx context.Context, verdict chan<- error) {
	verdict <- guard(h.log, h.name, func() error { return h.check(h.log.WithContext(ctx)) })
	<-h.turn
}
