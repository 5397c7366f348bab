package workerlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/await"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// book is a fleet's logs in a folder of their own.
func book(t *testing.T, limits Limits) (*Book, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a [state] folder")
	return Open(dir, limits, func(err error) { t.Error(err) }), dir
}

func closeBook(t *testing.T, b *Book) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(t, b.Close(ctx))
}

// say prints a line of a life at so many seconds after noon.
func say(b *Book, life string, second int, text string) {
	slot, _, _ := strings.Cut(life, "#")
	service, number, _ := strings.Cut(slot, "/")
	log := zerolog.New(b.Writer(service, number))
	log.Log().Str("time", noon.Add(time.Duration(second)*time.Second).Format(time.RFC3339Nano)).
		Str("worker", life).Str("stream", "stderr").Msg(text)
}

func texts(t *testing.T, dir string, q Query) string {
	t.Helper()
	var all []string
	must(t, Read(t.Context(), dir, q, func(l Line) error {
		all = append(all, l.Name()+" "+l.Message)
		return nil
	}))
	return strings.Join(all, ", ")
}

var plenty = Limits{Keep: 1 << 20, Files: 4}

func TestQueries(t *testing.T) {
	b, dir := book(t, plenty)
	say(b, "hello/0#1", 1, "a")
	say(b, "hello/10#1", 2, "b")
	say(b, "hello/0#1", 3, "c")
	say(b, "echo/0#1", 4, "d")
	say(b, "hello/0#2", 5, "e")
	say(b, "hello/proxy#1", 6, "f")
	closeBook(t, b)
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Last: All}, "hello/0#1 a, hello/10#1 b, hello/0#1 c, echo/0#1 d, hello/0#2 e, hello/proxy#1 f"},
		{Query{Last: 2}, "hello/0#2 e, hello/proxy#1 f"},
		{Query{}, ""},
		{Query{Last: All, Worker: "hello"}, "hello/0#1 a, hello/10#1 b, hello/0#1 c, hello/0#2 e, hello/proxy#1 f"},
		{Query{Last: All, Worker: "hello/0"}, "hello/0#1 a, hello/0#1 c, hello/0#2 e"},
		{Query{Last: All, Worker: "hello/0#1"}, "hello/0#1 a, hello/0#1 c"},
		{Query{Last: 1, Worker: "hello/0#1"}, "hello/0#1 c"},
		{Query{Last: All, Worker: "hello/proxy"}, "hello/proxy#1 f"},
		{Query{Last: All, Since: noon.Add(4 * time.Second)}, "echo/0#1 d, hello/0#2 e, hello/proxy#1 f"},
		{Query{Last: 1, Since: noon.Add(time.Hour)}, ""},
	} {
		if got := texts(t, dir, c.q); got != c.want {
			t.Errorf("%+v:\ngot  %s\nwant %s", c.q, got, c.want)
		}
	}
	err := Check(dir, "helo")
	if err == nil || err.Error() != "there is no log of helo; there are those of echo/0, hello/0, hello/10, hello/proxy" {
		t.Errorf("got %v", err)
	}
	must(t, Check(dir, "hello/0#9"))
}

// What is torn, binary or nobody's is left out, and the rest is there.
func TestWhatIsNoLine(t *testing.T) {
	b, dir := book(t, plenty)
	say(b, "hello/0#1", 1, "a")
	closeBook(t, b)
	path := filepath.Join(folder(dir), "hello", "0.log")
	text, err := os.ReadFile(path)
	must(t, err)
	torn := string(text) + "\x00\xff\n{}\n[]\n" + string(text)[:20]
	must(t, os.WriteFile(path, []byte(torn), 0o600))
	again := Open(dir, plenty, func(err error) { t.Error(err) })
	say(again, "hello/0#2", 2, "b")
	closeBook(t, again)
	for q, want := range map[Query]string{{Last: All}: "hello/0#1 a, hello/0#2 b", {Last: 2}: "hello/0#1 a, hello/0#2 b"} {
		if got := texts(t, dir, q); got != want {
			t.Errorf("%+v: got %s", q, got)
		}
	}
}

// A reader that follows misses nothing over turns of the files, and sees workers that come later.
func TestFollow(t *testing.T) {
	b, dir := book(t, Limits{Keep: 40 << 10, Files: 10})
	say(b, "hello/0#1", 0, "0")
	lines, enough := make(chan Line, 10_000), errors.New("enough")
	const most = 300
	go func() {
		defer close(lines)
		n := 0
		_ = Read(t.Context(), dir, Query{Last: All, Follow: true}, func(l Line) error {
			lines <- l
			if n++; n == 2*most {
				return enough
			}
			return nil
		})
	}()
	for i := 1; i < most; i++ {
		say(b, "hello/0#1", i, fmt.Sprint(i))
	}
	for i := range most {
		say(b, "hello/1#1", i, fmt.Sprint(i))
	}
	next := map[string]int{}
	for l := range lines {
		if l.Message != fmt.Sprint(next[l.Worker]) {
			t.Fatalf("%s says %s, want %d", l.Worker, l.Message, next[l.Worker])
		}
		next[l.Worker]++
	}
	if next["hello/0#1"] != most || next["hello/1#1"] != most {
		t.Errorf("got %v", next)
	}
	closeBook(t, b)
}

func TestFieldsOfAWorkerThatWritesJSON(t *testing.T) {
	b, dir := book(t, plenty)
	log := zerolog.New(b.Writer("hello", "0"))
	log.Warn().Str("time", noon.Format(time.RFC3339Nano)).Str("worker", "hello/0#1").Str("stream", "stderr").
		Str("table", "users").Str("note", "two words").Int("rows", 3).Msg("slow query")
	closeBook(t, b)
	must(t, Read(t.Context(), dir, Query{Last: All}, func(l Line) error {
		if got := l.Level + " " + l.Text(); got != `warn slow query note="two words" rows=3 table=users` {
			t.Errorf("got %s", got)
		}
		if want := `{"level":"warn","time":"2026-03-01T12:00:00Z","worker":"hello/0#1","stream":"stderr","table":"users",` +
			`"note":"two words","rows":3,"message":"slow query"}`; l.JSON() != want {
			t.Errorf("got %s", l.JSON())
		}
		return nil
	}))
}

// Keep 0 keeps nothing.
func TestNothingIsKept(t *testing.T) {
	b, dir := book(t, Limits{Keep: 0, Files: 4})
	say(b, "hello/0#1", 0, "a")
	closeBook(t, b)
	if got := texts(t, dir, Query{Last: All}); got != "" {
		t.Errorf("got %s", got)
	}
}

// Lines that could not be written are told of in the worker's own log.
func TestLostLines(t *testing.T) {
	dir := t.TempDir()
	failed := make(chan error, 1)
	must(t, os.WriteFile(folder(dir), nil, 0o600)) // in its place
	b := Open(dir, plenty, func(err error) { failed <- err })
	say(b, "hello/0#1", 0, "a")
	if err := <-failed; !strings.HasSuffix(err.Error(), "hello/0.log: not a directory") {
		t.Errorf("got %v", err)
	}
	must(t, os.Remove(folder(dir)))
	await.Until(t, "the loss to be told", func() bool {
		say(b, "hello/0#1", 0, "b")
		return strings.Contains(texts(t, dir, Query{Last: All}), "lines of this worker could not be written")
	})
	closeBook(t, b)
}
