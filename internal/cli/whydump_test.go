package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/internal/workerlog"
)

const firstDump = "SIGQUIT: quit|main.idle()|\tmain.go:7 +0x3||goroutine 3 [select]:|runtime.gopark()|main.idle()|created by main.main"

// A stack dump is what a life printed from the decision to kill it to its end, without registers, and no more than so many lines of that.
func TestDumpsAreReadFromTheLog(t *testing.T) {
	state, killed := t.TempDir(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	book := workerlog.Open(state, workerlog.Limits{Keep: 1 << 20, Files: 1}, func(err error) { t.Error(err) })
	say := func(life string, second int, text string) {
		log := zerolog.New(book.Writer("hello", "0"))
		log.Log().Time("time", killed.Add(time.Duration(second)*time.Second)).Str("worker", life).Msg(text)
	}
	say("hello/0#2", -1, "working")
	say("hello/0#2", 1, "SIGQUIT: quit")
	say("hello/0#1", 1, "another's")
	say("hello/0#2", 2, "main.idle()")
	say("hello/0#2", 2, "	main.go:7 +0x3 fp=0x1 sp=0x2 pc=0x3")
	say("hello/0#2", 3, "")
	for _, line := range []string{"goroutine 2 [force gc (idle)]:", "runtime.gopark()", "	proc.go:462 +0xce", "created by runtime.init", ""} {
		say("hello/0#2", 3, line)
	}
	for _, line := range []string{"goroutine 3 [select]:", "runtime.gopark()", "main.idle()", "created by main.main", ""} {
		say("hello/0#2", 3, line)
	}
	say("hello/0#2", 3, "rip    0x4f5a3c")
	say("hello/0#2", 9, "of the next start of the fleet")
	for n := range mostDump + 1 {
		say("hello/0#3", 1, fmt.Sprint("line ", n))
	}
	must(t, book.Close(t.Context()))
	ended := killed.Add(5 * time.Second)
	life := func(n int) timeline.Life {
		return timeline.Life{Name: fmt.Sprint("hello/0#", n), Ended: &ended, Dump: &timeline.Dump{Signal: "SIGQUIT", Since: killed}}
	}
	stories := []timeline.Story{
		{Lives: []timeline.Life{{Name: "hello/0#4"}, life(2), life(1)}},
		{Lives: []timeline.Life{life(3)}},
		{Lives: []timeline.Life{{Name: "hello/1#1"}}},
	}
	must(t, readDumps(t.Context(), state, stories))
	first, older, long := stories[0].Lives[1].Dump, stories[0].Lives[2].Dump, stories[1].Lives[0].Dump
	if got := strings.Join(first.Lines, "|"); got != firstDump || first.More {
		t.Errorf("got %q, %t", got, first.More)
	}
	if len(older.Lines) > 0 {
		t.Errorf("an older one is read too: %q", older.Lines)
	}
	if len(long.Lines) != mostDump || long.Lines[0] != "line 0" || !long.More {
		t.Errorf("got %d lines, more: %t", len(long.Lines), long.More)
	}
	var b strings.Builder
	stories[0].Describe(&b, ended)
	want := "  its stack dump on SIGQUIT:\n    | SIGQUIT: quit\n    | main.idle()\n    | \tmain.go:7 +0x3\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("it is told as\n%s", b.String())
	}
}
