package timeline

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/spool"
)

// look is how often a reader that follows looks for more.
const look = 100 * time.Millisecond

// All is the Last of a Query that wants all there are.
const All = -1

// Query is which events are wanted. Those of the fleet as a whole belong to every service and worker.
type Query struct {
	Service string    // "": of all
	Worker  string    // hello/3 or hello/3#7; "": of all. What concerns all of its service is included
	Since   time.Time // zero: from the beginning
	Last    int       // at most so many of those; All
	Follow  bool      // and those that come from now on, until the context ends
}

// Read gives the events that a query asks for, oldest first, until give returns an error, which it then returns.
func Read(ctx context.Context, stateDir string, q Query, give func(Event) error) error {
	found := 0
	c, err := spool.From(Path(stateDir), func(line []byte) bool {
		e, ok := parse(line)
		switch {
		case !ok || !q.wants(e):
			return found != q.Last
		case e.Time.Before(q.Since) || found == q.Last:
			return false
		}
		found++
		return true
	})
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		if err := q.rest(ctx, c, give); err != nil || !q.Follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(look):
		}
	}
}

// rest gives what there is now.
func (q Query) rest(ctx context.Context, c *spool.Cursor, give func(Event) error) error {
	for ctx.Err() == nil {
		line, err := c.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		e, ok := parse(line)
		if !ok || !q.wants(e) || e.Time.Before(q.Since) {
			continue
		}
		if err := give(e); err != nil {
			return err
		}
	}
	return nil
}

func (q Query) wants(e Event) bool {
	service := q.Service
	if q.Worker != "" {
		service, _, _ = strings.Cut(q.Worker, "/")
	}
	switch {
	case e.Service == "" || service == "":
		return true
	case e.Service != service:
		return false
	}
	return q.Worker == "" || e.Worker == "" || isOf(e.Worker, q.Worker)
}

// isOf says whether a life is of a slot, or is that life itself.
func isOf(life, worker string) bool {
	return life == worker || strings.HasPrefix(life, worker+"#")
}

// SlotOf is the slot of a life, or the slot that it is given: hello/3 for hello/3#7.
func SlotOf(worker string) string {
	slot, _, _ := strings.Cut(worker, "#")
	return slot
}
