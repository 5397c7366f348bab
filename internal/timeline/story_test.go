package timeline

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestStories tells what people read of a fleet's events. The commands:
//
//	events                 the events of the story: seconds since noon, kind, worker or service or -, and keys
//	                       (cause= reason=() pid= by=() was= want= status= signal= oom rung= after= retry= line=())
//	list                   what zfleet events prints
//	why WORKER at=SECONDS [lives=5] [down]   what zfleet why prints then; down: the fleet does not run
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		var events []Event
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "events":
				events = parseEvents(t, d)
				return ""
			case "list":
				return list(events)
			case "why":
				return why(t, d, events)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(t *testing.T, seconds string) time.Time {
	t.Helper()
	s, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		t.Fatal(err)
	}
	return noon.Add(time.Duration(s * float64(time.Second)))
}

func parseEvents(t *testing.T, d *datadriven.TestData) (events []Event) {
	for i, text := range strings.Split(strings.TrimSpace(d.Input), "\n") {
		words := strings.Fields(text)
		e := Event{Time: at(t, words[0]), Seq: uint64(i + 1), Kind: Kind(words[1]), Fleet: "test"}
		if about := words[2]; strings.Contains(about, "#") {
			e.Worker = about
			e.Service, _, _ = strings.Cut(about, "/")
		} else if about != "-" {
			e.Service = about
		}
		_, args, err := datadriven.ParseLine("event " + strings.Join(words[3:], " "))
		if err != nil {
			t.Fatal(err)
		}
		for _, arg := range args {
			setKey(t, &e, arg)
		}
		events = append(events, e)
	}
	return events
}

func setKey(t *testing.T, e *Event, arg datadriven.CmdArg) {
	t.Helper()
	value := strings.Join(arg.Vals, ", ")
	number := func() *int {
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatal(err)
		}
		return &n
	}
	duration := func() Duration {
		d, err := time.ParseDuration(value)
		if err != nil {
			t.Fatal(err)
		}
		return Duration(d)
	}
	if e.Data == nil {
		e.Data = &Data{}
	}
	switch arg.Key {
	case "cause":
		e.Cause = uint64(*number())
	case "reason":
		e.Reason = value
	case "pid":
		e.Data.Pid = *number()
	case "by":
		e.Data.By = value
	case "was":
		e.Data.Was = number()
	case "want":
		e.Data.Want = number()
	case "status":
		e.Data.Status = number()
	case "signal":
		e.Data.Signal = value
	case "oom":
		e.Data.OOM = true
	case "rung":
		e.Data.Rung = value
	case "after":
		e.Data.After = duration()
	case "retry":
		e.Data.RetryIn = duration()
	case "line":
		e.Data.LastLines = append(e.Data.LastLines, value)
	default:
		t.Fatalf("unknown key %s", arg.Key)
	}
}

func list(events []Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintln(&b, e.Line(noon))
	}
	return b.String()
}

func why(t *testing.T, d *datadriven.TestData, events []Event) string {
	worker := d.CmdArgs[0].Key
	seconds, lives := "0", 5
	d.ScanArgs(t, "at", &seconds)
	d.MaybeScanArgs(t, "lives", &lives)
	q := Query{Worker: SlotOf(worker)}
	if !strings.Contains(worker, "/") {
		q = Query{Service: worker}
	}
	var wanted []Event
	for _, e := range events {
		if q.wants(e) {
			wanted = append(wanted, e)
		}
	}
	now := at(t, seconds)
	var b strings.Builder
	for i, s := range Tell(wanted, worker, lives, !d.HasArg("down"), now) {
		if i > 0 {
			b.WriteString("\n")
		}
		s.Describe(&b, now)
		if _, err := json.Marshal(s); err != nil {
			t.Error(err)
		}
	}
	return b.String()
}

// What a proxy makes of a worker's connection is one of the worker's events, and not its state.
func TestAnEjectedWorkerIsReady(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	events := []Event{
		{Time: at, Seq: 1, Kind: FleetStarted},
		{Time: at, Seq: 2, Kind: Started, Worker: "hello/0#1", Data: &Data{Pid: 7}},
		{Time: at, Seq: 3, Kind: Ready, Worker: "hello/0#1", Cause: 2},
		{Time: at.Add(time.Minute), Seq: 4, Kind: LaneEjected, Worker: "hello/0#1", Reason: "it fails"},
		{Time: at.Add(2 * time.Minute), Seq: 5, Kind: LaneBack, Worker: "hello/0#1"},
	}
	for n := 3; n <= len(events); n++ {
		s := Tell(events[:n], "hello/0", 1, true, at.Add(time.Hour))
		if len(s) != 1 || s[0].Now != "is ready, for 1h0m0s" || len(s[0].Lives[0].Events) != n-1 {
			t.Errorf("after %d events: %+v", n, s)
		}
	}
}
