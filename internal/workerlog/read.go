package workerlog

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/spool"
)

const (
	look   = 100 * time.Millisecond // how often a reader that follows looks for more
	census = 10                     // looks from one search for new workers to the next
)

// All is the Last of a Query that wants all there are.
const All = -1

// Query is which lines are wanted.
type Query struct {
	Worker string    // hello, hello/3, hello/proxy or hello/3#7; "": of all
	Since  time.Time // zero: from the beginning
	Last   int       // at most so many of those, of all workers together; All
	Follow bool      // and those that come from now on, until the context ends
}

// Read gives the lines that a query asks for, in the order of their time, until give returns an error, which it then returns.
func Read(ctx context.Context, stateDir string, q Query, give func(Line) error) error {
	r := &reader{dir: folder(stateDir), query: q, sources: map[string]*source{}, give: give}
	defer r.close()
	if err := r.open(q.oldest); err != nil {
		return err
	}
	r.skip = r.surplus()
	for looks := 1; ; looks++ {
		if err := r.merge(ctx); err != nil || !q.Follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(look):
		}
		if looks%census == 0 {
			if err := r.open(nil); err != nil { // a new worker's lines are all new
				return err
			}
		}
	}
}

// Workers are the slots that have a log, hello/3 or hello/proxy, in order.
func Workers(stateDir string) ([]string, error) {
	files, err := fs.Glob(os.DirFS(folder(stateDir)), "*/*.log*")
	var slots []string
	for _, path := range files {
		name, _, _ := strings.Cut(filepath.Base(path), ".log")
		slots = append(slots, filepath.Base(filepath.Dir(path))+"/"+name)
	}
	slices.Sort(slots)
	return slices.Compact(slots), err
}

type reader struct {
	dir     string
	query   Query
	sources map[string]*source // by slot
	skip    int                // of the lines that come next: there are more than were wanted
	give    func(Line) error
}

// source is one slot's file.
type source struct {
	cursor *spool.Cursor
	next   Line
	found  int // lines that are wanted of what was there at first
}

func (r *reader) close() {
	for _, s := range r.sources {
		s.cursor.Close()
	}
}

// open opens the files that are not open yet, each where from says.
func (r *reader) open(from func(*source, string) func([]byte) bool) error {
	slots, err := Workers(filepath.Dir(r.dir))
	for _, slot := range slots {
		if r.sources[slot] != nil || !r.query.wantsSlot(slot) {
			continue
		}
		s := &source{}
		var want func([]byte) bool
		if from != nil {
			want = from(s, slot)
		}
		if s.cursor, err = spool.From(filepath.Join(r.dir, slot+".log"), want); err != nil {
			return err
		}
		r.sources[slot] = s
	}
	return err
}

// oldest finds out where the wanted lines of a slot begin.
func (q Query) oldest(s *source, slot string) func([]byte) bool {
	return func(raw []byte) bool {
		l, ok := parse(raw, slot)
		switch {
		case s.found == q.Last, ok && l.Time.Before(q.Since):
			return false
		case ok && q.wants(l):
			s.found++
		}
		return true
	}
}

// surplus is how many lines were found beyond those that are wanted of all together.
func (r *reader) surplus() (n int) {
	if r.query.Last == All {
		return 0
	}
	for _, s := range r.sources {
		n += s.found
	}
	return max(0, n-r.query.Last)
}

func (q Query) wantsSlot(slot string) bool {
	service, _, _ := strings.Cut(slot, "/")
	wanted, _, _ := strings.Cut(q.Worker, "#")
	return wanted == "" || wanted == service || wanted == slot
}

func (q Query) wants(l Line) bool {
	return !l.Time.Before(q.Since) && (!strings.Contains(q.Worker, "#") || l.Worker == q.Worker)
}

// merge gives what all sources have now.
func (r *reader) merge(ctx context.Context) error {
	var heads heads
	for slot, s := range r.sources {
		if ok, err := r.advance(s, slot); err != nil {
			return err
		} else if ok {
			heads = append(heads, s)
		}
	}
	heap.Init(&heads)
	for len(heads) > 0 && ctx.Err() == nil {
		s := heads[0]
		if err := r.tell(s.next); err != nil {
			return err
		}
		ok, err := r.advance(s, s.next.slot)
		switch {
		case err != nil:
			return err
		case ok:
			heap.Fix(&heads, 0)
		default:
			heap.Pop(&heads)
		}
	}
	return nil
}

func (r *reader) tell(l Line) error {
	if r.skip > 0 {
		r.skip--
		return nil
	}
	return r.give(l)
}

// advance reads the next line of a source that is wanted.
func (r *reader) advance(s *source, slot string) (ok bool, err error) {
	for {
		raw, err := s.cursor.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if l, ok := parse(raw, slot); ok && r.query.wants(l) {
			s.next = l
			return true, nil
		}
	}
}

// heads are the sources that have a line, the oldest first.
type heads []*source

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].next.Time.Before(h[j].next.Time) }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *heads) Push(x any) { *h = append(*h, x.(*source)) }

// Pop is heap.Interface's.
func (h *heads) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	*h = (*h)[:last]
	return s
}

// Unknown says that nothing was ever printed by whom a query is about.
type Unknown struct {
	Worker string
	Known  []string // slots that have a log
}

func (e *Unknown) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("there is no log of %s, nor of any other worker", e.Worker)
	}
	return fmt.Sprintf("there is no log of %s; there are those of %s", e.Worker, strings.Join(e.Known, ", "))
}

// Check refuses a worker that has no log.
func Check(stateDir, worker string) error {
	slots, err := Workers(stateDir)
	if err != nil || worker == "" || slices.ContainsFunc(slots, Query{Worker: worker}.wantsSlot) {
		return err
	}
	return &Unknown{worker, slots}
}
