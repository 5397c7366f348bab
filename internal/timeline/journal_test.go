package timeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/await"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	return Open(dir, "test", func(err error) { t.Error(err) })
}

func closeJournal(t *testing.T, j *Journal) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(t, j.Close(ctx))
}

func read(t *testing.T, dir string, q Query) (events []Event) {
	t.Helper()
	must(t, Read(t.Context(), dir, q, func(e Event) error {
		events = append(events, e)
		return nil
	}))
	return events
}

func seqs(events []Event) (all []uint64) {
	for _, e := range events {
		all = append(all, e.Seq)
	}
	return all
}

// Numbers go on over restarts, also when the last line was cut off by a kill.
func TestNumbersGoOn(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if j.Last().Seq != 0 {
		t.Errorf("the last is %+v", j.Last())
	}
	j.Add(Event{Kind: FleetStarted, Data: &Data{Pid: 1}})
	j.Add(Event{Kind: Scaled, Service: "hello"})
	closeJournal(t, j)
	f, err := os.OpenFile(Path(dir), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"time":"2026-03-01T12:00:00Z","seq":3,"kind":"fl`)
	must(t, errors.Join(err, f.Close()))
	j = open(t, dir)
	if last := j.Last(); last.Seq != 2 || last.Kind != Scaled {
		t.Errorf("the last is %+v", last)
	}
	if e := j.Add(Event{Kind: FleetLost}); e.Seq != 3 || e.Fleet != "test" || e.Time.IsZero() {
		t.Errorf("got %+v", e)
	}
	closeJournal(t, j)
	if got := seqs(read(t, dir, Query{Last: All})); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
}

// However many events there are, what is kept is bounded, and is the newest.
func TestBounds(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	reason := strings.Repeat("x", 1000)
	const many = 12_000
	for i := range many {
		j.Add(Event{Kind: Exited, Worker: "hello/0#1", Service: "hello", Reason: reason})
		if i%500 == 0 { // or they would come faster than they are written
			await.Until(t, "the events to be written", func() bool { return last(t, dir) == uint64(i+1) })
		}
	}
	closeJournal(t, j)
	var size int64
	files, err := filepath.Glob(Path(dir) + "*")
	must(t, err)
	for _, name := range files {
		info, err := os.Stat(name)
		must(t, err)
		size += info.Size()
	}
	if most := limits.Size * int64(limits.Files); size > most || size < most/2 {
		t.Errorf("%d bytes are kept, at most %d", size, most)
	}
	events := read(t, dir, Query{Last: All})
	for i, e := range events {
		if e.Seq != many-uint64(len(events)-1-i) {
			t.Fatalf("event %d of %d is number %d", i, len(events), e.Seq)
		}
	}
}

func last(t *testing.T, dir string) uint64 {
	e, err := newest(dir)
	must(t, err)
	return e.Seq
}

func TestQueries(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i, e := range []Event{
		{Kind: FleetStarted},
		{Kind: Started, Service: "hello", Worker: "hello/1#1"},
		{Kind: Started, Service: "hello", Worker: "hello/10#1"},
		{Kind: Started, Service: "echo", Worker: "echo/1#1"},
		{Kind: Scaled, Service: "hello"},
		{Kind: Started, Service: "hello", Worker: "hello/1#2"},
		{Kind: FleetEnded},
	} {
		e.Time = begin.Add(time.Duration(i) * time.Second)
		j.Add(e)
	}
	closeJournal(t, j)
	for _, c := range []struct {
		q    Query
		want []uint64
	}{
		{Query{Last: All}, []uint64{1, 2, 3, 4, 5, 6, 7}},
		{Query{Last: 2}, []uint64{6, 7}},
		{Query{}, nil},
		{Query{Last: All, Service: "echo"}, []uint64{1, 4, 7}},
		{Query{Last: All, Worker: "hello/1"}, []uint64{1, 2, 5, 6, 7}},
		{Query{Last: All, Worker: "hello/1#2"}, []uint64{1, 5, 6, 7}},
		{Query{Last: 3, Worker: "hello/1#2"}, []uint64{5, 6, 7}},
		{Query{Last: All, Since: begin.Add(4 * time.Second)}, []uint64{5, 6, 7}},
		{Query{Last: 1, Since: begin.Add(time.Hour)}, nil},
	} {
		if got := seqs(read(t, dir, c.q)); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.q, got, c.want)
		}
	}
}

// A reader that follows is given what was there and what comes, until it has enough.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	j.Add(Event{Kind: FleetStarted})
	enough := errors.New("enough")
	got := make(chan []Event, 1)
	go func() {
		var events []Event
		_ = Read(t.Context(), dir, Query{Last: All, Follow: true}, func(e Event) error {
			if events = append(events, e); len(events) == 3 {
				return enough
			}
			return nil
		})
		got <- events
	}()
	j.Add(Event{Kind: Scaled, Service: "hello"})
	j.Add(Event{Kind: FleetEnded})
	if events := <-got; !slices.Equal(seqs(events), []uint64{1, 2, 3}) {
		t.Errorf("got %v", events)
	}
	closeJournal(t, j)
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	complaints := make(chan error, 10)
	j := Open(os.DevNull, "test", func(err error) { complaints <- err })
	for range 3 {
		j.Add(Event{Kind: FleetStarted})
	}
	closeJournal(t, j)
	for _, want := range []string{
		"cannot read the events of before: open /dev/null/events.jsonl: not a directory",
		"cannot write /dev/null/events.jsonl: not a directory",
	} {
		if err := <-complaints; err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if len(complaints) > 0 {
		t.Errorf("and again: %v", <-complaints)
	}
}

// Whatever is in the file, a reader takes what is whole and is told of no error; the stories of it can be told.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"time":"2026-03-01T12:00:00Z","seq":3,"kind":"exited","fleet":"a","worker":"a/1#1","data":{"after":"1s"}}` + "\n{\"tor"))
	f.Add([]byte("\n\x00\xff\n{}\n"))
	f.Add([]byte(`{"time":"2026-03-01T12:00:00Z","seq":1,"kind":"started","worker":"#","cause":1}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		must(t, os.WriteFile(Path(dir), append(text, "\n"+`{"time":"2026-03-01T12:00:00Z","seq":9,"kind":"scaled","fleet":"a"}`+"\n"...), 0o600))
		events := read(t, dir, Query{Last: All})
		if len(events) == 0 || events[len(events)-1].Seq != 9 {
			t.Errorf("got %v", events)
		}
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for _, s := range Tell(events, "a", 5, true, now) {
			s.Describe(&strings.Builder{}, now)
		}
	})
}
