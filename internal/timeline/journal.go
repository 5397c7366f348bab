package timeline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/zfleet/zfleet/internal/spool"
)

// limits is how much is kept: some 30,000 events.
var limits = spool.Limits{Size: 2 << 20, Files: 4}

// Path is where a fleet's events are, in its state folder.
func Path(stateDir string) string { return filepath.Join(stateDir, "events.jsonl") }

// Journal writes events. It may be used by any goroutine, and nobody waits for a disk.
type Journal struct {
	fleet string
	last  Event        // that was there before
	spool *spool.Spool // nil: nothing is kept
	file  io.Writer

	mu  sync.Mutex // numbers are given in the order in which events are written
	seq uint64
}

// Open opens the journal of a fleet. What cannot be read or written is complained of, once a minute at most: a fleet goes on without it.
func Open(stateDir, fleet string, complain func(error)) *Journal {
	j := &Journal{fleet: fleet}
	j.spool = spool.New(spool.Options{Failed: complain, Lost: j.lost})
	j.file = j.spool.Writer(Path(stateDir), limits)
	var err error
	if j.last, err = newest(stateDir); err != nil {
		complain(fmt.Errorf("cannot read the events of before: %w", err))
	}
	j.seq = j.last.Seq
	return j
}

// Discard is a journal that keeps nothing, for a fleet that has no place for it.
func Discard(fleet string) *Journal { return &Journal{fleet: fleet, file: io.Discard} }

// newest is the last event with a number; the zero Event when there is none.
func newest(stateDir string) (last Event, err error) {
	c, err := spool.From(Path(stateDir), func(line []byte) bool {
		e, ok := parse(line)
		if ok && e.Seq > 0 {
			last = e
		}
		return last.Seq == 0
	})
	if err == nil {
		c.Close()
	}
	return last, err
}

// Last is the newest event that was there when the journal was opened; the zero Event when there was none.
func (j *Journal) Last() Event { return j.last }

// Add writes an event, of now when it has no time, and returns it with its number.
func (j *Journal) Add(e Event) Event {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time, e.Fleet = e.Time.UTC().Truncate(time.Microsecond), j.fleet
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seq++
	e.Seq = j.seq
	_, _ = j.file.Write(line(e)) // it never fails
	return e
}

func line(e Event) []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // an event is strings, numbers and times
	}
	return append(text, '\n')
}

func (j *Journal) lost(n int) []byte {
	return line(Event{Time: time.Now().UTC(), Kind: EventsLost, Fleet: j.fleet, Reason: fmt.Sprintf("%d could not be written", n)})
}

// Close writes what is left. It fails when ctx ends before that.
func (j *Journal) Close(ctx context.Context) error {
	if j.spool == nil {
		return nil
	}
	return j.spool.Close(ctx)
}
