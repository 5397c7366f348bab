package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/internal/workerlog"
	"github.com/zfleet/zfleet/supervisor/launch"
)

// Of a stack dump so many lines are read, and so many of those told that are worth it.
const (
	mostRead = 5000
	mostDump = 500
)

var errEnough = errors.New("there are enough lines")

// readDumps gives each worker's newest life that left a stack dump its lines, from the worker's log. The others have their last lines.
func readDumps(ctx context.Context, state string, stories []timeline.Story) error {
	for _, s := range stories {
		i := slices.IndexFunc(s.Lives, func(l timeline.Life) bool { return l.Dump != nil })
		if i < 0 {
			continue
		}
		if err := readDump(ctx, state, s.Lives[i]); err != nil {
			return err
		}
	}
	return nil
}

// readDump reads until the life's end: the fleet's next start may have another of that name.
func readDump(ctx context.Context, state string, life timeline.Life) error {
	var lines []string
	dump := life.Dump
	query := workerlog.Query{Worker: life.Name, Since: dump.Since, Last: workerlog.All}
	err := workerlog.Read(ctx, state, query, func(l workerlog.Line) error {
		text := l.Text()
		switch {
		case life.Ended != nil && l.Time.After(*life.Ended):
			return errEnough
		case launch.IsRegister(text):
		case len(lines) == mostRead:
			return errEnough
		default:
			lines = append(lines, text)
		}
		return nil
	})
	told := withoutRuntime(lines)
	dump.Lines, dump.More = told[:min(len(told), mostDump)], len(told) > mostDump || len(lines) == mostRead
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
