package daemon

import (
	"bytes"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// starter only says that it started what it was told to.
type starter struct {
	launcher
	pid int
}

func (s starter) Launch(life fleet.Life, _ fleet.Service, tell func(fleet.Event)) supervisor.Process {
	tell(fleet.Launched{Life: life, Pid: s.pid})
	return nil
}

func TestNotesAreLinesWithFields(t *testing.T) {
	var out bytes.Buffer
	n := &notes{log: zerolog.New(&out)}
	expect := func(want string) {
		t.Helper()
		if got := out.String(); got != want+"\n" {
			t.Errorf("got  %swant %s", got, want)
		}
		out.Reset()
	}
	n.note(fleet.Note{Life: life(3, 7), From: fleet.StatePending, To: fleet.StateStarting, Cause: "start"})
	expect(`{"level":"debug","service":"hello","worker":"hello/3#7","state":"starting","cause":"start","message":"starting"}`)
	var told []fleet.Event
	noted{starter{pid: 42}, n}.Launch(life(3, 7), fleet.Service{}, func(ev fleet.Event) { told = append(told, ev) })
	expect(`{"level":"info","service":"hello","worker":"hello/3#7","pid":42,"state":"starting","message":"started"}`)
	if len(told) != 1 {
		t.Errorf("the supervisor was told %v", told)
	}
	n.note(fleet.Note{Life: life(3, 7), From: fleet.StateStarting, To: fleet.StateReady, Cause: "ready"})
	expect(`{"level":"info","service":"hello","worker":"hello/3#7","pid":42,"state":"ready","message":"ready"}`)
	crashed := fleet.Note{Life: life(3, 7), From: fleet.StateReady, To: fleet.StateBackoff, Cause: "killed by SIGKILL", Delay: 1500 * time.Millisecond}
	n.note(crashed)
	expect(`{"level":"warn","service":"hello","worker":"hello/3#7","pid":42,"state":"backoff","cause":"killed by SIGKILL",` +
		`"retry_in":"1.5s","message":"backoff"}`)
	n.note(crashed) // its process is gone, and its pid with it
	expect(`{"level":"warn","service":"hello","worker":"hello/3#7","state":"backoff","cause":"killed by SIGKILL",` +
		`"retry_in":"1.5s","message":"backoff"}`)
}

func TestWhatStopsUnaskedIsAnError(t *testing.T) {
	for from, want := range map[fleet.State]zerolog.Level{
		fleet.StateStarting: zerolog.ErrorLevel,
		fleet.StateReady:    zerolog.ErrorLevel,
		fleet.StateUnready:  zerolog.ErrorLevel,
		fleet.StateStopping: zerolog.InfoLevel,
		fleet.StateDraining: zerolog.InfoLevel,
		fleet.StateBackoff:  zerolog.InfoLevel,
	} {
		if got := level(fleet.Note{From: from, To: fleet.StateStopped}); got != want {
			t.Errorf("from %s: %v", from, got)
		}
	}
}

func TestRollsAreLines(t *testing.T) {
	var out bytes.Buffer
	n := &notes{log: zerolog.New(&out)}
	n.roll(fleet.RollNote{Service: "hello", To: fleet.RollRolling, Cause: "an operator asked for it", Of: 3})
	n.roll(fleet.RollNote{Service: "hello", To: fleet.RollFrozen, Cause: "hello/0#2 did not become ready: no", Of: 3, LastLines: []string{"no"}})
	want := `{"level":"info","service":"hello","roll":"rolling","cause":"an operator asked for it","done":0,"of":3,` +
		`"message":"the rolling restart of hello is rolling: an operator asked for it"}
{"level":"error","service":"hello","roll":"frozen","cause":"hello/0#2 did not become ready: no","done":0,"of":3,"last_lines":["no"],` +
		`"message":"the rolling restart of hello is frozen: hello/0#2 did not become ready: no"}
`
	if out.String() != want {
		t.Errorf("got  %swant %s", out.String(), want)
	}
}
