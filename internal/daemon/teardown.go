package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// stepTime is how long one step of a teardown may take.
const stepTime = 15 * time.Second

// teardown is what has to be closed, in the order in which it was opened.
type teardown []step

type step struct {
	name  string
	close func(context.Context) error
}

func (t *teardown) add(name string, close func(context.Context) error) {
	*t = append(*t, step{name, close})
}

// run closes everything once, the last opened first. A step that hangs is left behind when its time is over, so that those after it
// have their turn.
func (t *teardown) run() error {
	var errs []error
	for _, s := range slices.Backward(*t) {
		if err := s.run(); err != nil {
			errs = append(errs, fmt.Errorf("cannot close %s: %w", s.name, err))
		}
	}
	*t = nil
	return errors.Join(errs...)
}

func (s step) run() error {
	ctx, cancel := context.WithTimeout(context.Background(), stepTime)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.close(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("it takes longer than %v", stepTime)
	}
}
