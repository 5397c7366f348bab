package launch

import (
	"context"
	"fmt"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// checks asks a process one question over and over.
type checks struct {
	fleet.Check
	fast    time.Duration // between questions until the first yes
	misses  int           // so many without an answer in a row are told, once; 0: none are
	assumed bool          // the answer is yes until it is no
	// ask returns why the answer is no, "" if it is yes; an error if there was none.
	ask func(context.Context) (no string, err error)
}

// run tells why the answer is no, each time that it comes and counts, "" if it is yes, until ctx ends. Heard says that it is the process's
// word: it is not that there was none.
func (c checks) run(ctx context.Context, tell func(reason string, heard bool)) {
	pause, isYes := c.fast, c.assumed
	var no, yes, missed int
	for ctx.Err() == nil {
		reason, err := c.once(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = max(c.Interval, c.fast)
			if missed++; missed == c.misses {
				tell(fmt.Sprintf("no answer to %d health checks in a row: %v", missed, err), false)
			}
		case reason != "":
			missed, yes = 0, 0
			if no++; !isYes || no >= c.Failures {
				isYes = false
				tell(reason, true)
			}
		default:
			missed, no = 0, 0
			pause = max(c.Interval, c.fast)
			if yes++; isYes || yes >= c.Successes {
				isYes = true
				tell("", true)
			}
		}
		sleep(ctx, pause)
	}
}

func (c checks) once(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
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
