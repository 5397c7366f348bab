package launch

import (
	"context"
	"fmt"
	"time"
)

// checks asks a process over and over whether it is ready.
type checks struct {
	fast     time.Duration // between questions until it is first ready
	interval time.Duration // from then on
	timeout  time.Duration // for an answer
	failures int           // unanswered in a row before it counts as hung
	// ask returns why the process is not ready, "" if it is; an error if it did not answer.
	ask func(context.Context) (reason string, err error)
}

// run tells every answer, and each time that the process falls silent, until ctx ends.
func (c checks) run(ctx context.Context, tell func(news)) {
	pause, silent := c.fast, 0
	for ctx.Err() == nil {
		reason, err := c.once(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = max(c.interval, c.fast)
			if silent++; silent == c.failures {
				tell(silentNews{fmt.Sprintf("no answer to %d health checks in a row: %v", silent, err)})
			}
		default:
			silent = 0
			if reason == "" {
				pause = max(c.interval, c.fast)
			}
			tell(healthNews{reason})
		}
		sleep(ctx, pause)
	}
}

func (c checks) once(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.ask(ctx)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
