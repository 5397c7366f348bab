package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// probing is a proxy that asks its workers "ping" and wants "pong".
func probing(t *testing.T, every, timeout time.Duration) *served {
	return serve(t, Options{
		Dispatch: dispatch.Config{Probe: every, ProbeTimeout: timeout, ProbeFailures: 2, Prefetch: 2},
		Probe:    Probe{Payload: []byte("ping"), Reply: []byte("pong")},
	})
}

// told waits for an event of that kind.
func told(t *testing.T, events <-chan control.Event, kind control.Kind) control.Event {
	t.Helper()
	for {
		select {
		case e := <-events:
			if e.Kind == kind {
				return e
			}
		case <-time.After(patience):
			t.Fatalf("no %s is told", kind)
		}
	}
}

// pong takes a probe and answers it, with something else if said so.
func (p *rawPeer) pong(body string) {
	p.t.Helper()
	probe := p.recv()
	if len(probe) != 3 || len(probe[0]) != 8 || probe[1] != "" || probe[2] != "ping" {
		p.t.Fatalf("got %q instead of a probe", probe)
	}
	p.send(wire(probe[0], "", body))
}

// A worker that has nothing to do is asked. What it answers reaches no client and no counter, and it is given requests as before.
func TestProbe(t *testing.T) {
	s := probing(t, 20*time.Millisecond, patience)
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	for range 3 {
		worker.pong("pong")
	}
	probe := worker.recv()
	client.send(wire("", "one"), wire("", "two"))
	s.until(t, "both to wait for the answer", func(s control.Snapshot) bool { return s.Queued == 2 && s.Inflight == 0 })
	worker.send(wire(probe[0], "", "pong"), wire(probe[0], "", "pong"))
	for _, want := range []string{"one", "two"} {
		got := worker.recv()
		if got[2] != want {
			t.Errorf("the worker got %q", got)
		}
		worker.send(wire(got...))
		if got := client.recv(); got[1] != want {
			t.Errorf("the client got %q", got)
		}
	}
	snap := s.snapshot(t)
	if c := snap.Counters; c.Requests != 2 || c.Replies != 2 || c.UnknownToken != 1 || c.Abandoned+c.Failed != 0 {
		t.Errorf("counters %+v", c)
	}
	if load := snap.Load; load.Delivered != 2 || load.Answered != 2 || snap.Lanes[0].Answered != 2 {
		t.Errorf("load %+v, lanes %+v", load, snap.Lanes)
	}
}

// A worker that does not answer its probes gets no requests, though it is alone, and keeps its connection. A late answer brings it back.
func TestProbeWithoutAnswer(t *testing.T) {
	s := probing(t, 20*time.Millisecond, 20*time.Millisecond)
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.until(t, "the lane's pid", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Pid != 0 })
	events := s.watching(t)
	probe := worker.recv()
	for first, n := 0, 0; n < first+3; { // it may have failed before we could hear of it
		e := told(t, events, control.ProbeFailed)
		if first == 0 {
			_, _ = fmt.Sscanf(e.Reason, "probe failed %d/2", &first)
			n = first - 1
		}
		n++
		want := fmt.Sprintf("probe failed %d/2: no reply in 20ms", n)
		if unfit := e.Lane.Unfit != ""; e.Reason != want || unfit != (n > 1) || unfit && e.Lane.Unfit != want {
			t.Errorf("event %+v, want %s", e, want)
		}
	}
	client.send(wire("", "one"))
	s.until(t, "it to wait", func(s control.Snapshot) bool { return s.Queued == 1 && s.Lanes[0].Unfit != "" })
	worker.send(wire(probe[0], "", "pong"))
	if e := told(t, events, control.ProbeWell); e.Lane.Unfit != "" {
		t.Errorf("event %+v", e)
	}
	if got := worker.echo(); got[2] != "one" {
		t.Errorf("the worker got %q", got)
	}
	client.recv()
}

// A wrong answer is as bad as none, in whatever way it is wrong.
func TestProbeWithAWrongAnswer(t *testing.T) {
	for what, answer := range map[string]func(token string) []byte{
		`its reply is "nope"`:                                 func(token string) []byte { return wire(token, "", "nope") },
		`its reply is "pong"`:                                 func(token string) []byte { return wire(token, "", "pong", "pong") },
		"its reply came back in another envelope":             func(token string) []byte { return wire(token, "pong") },
		`its reply is "` + strings.Repeat("x", 40) + `"…`:     func(token string) []byte { return wire(token, "", strings.Repeat("x", 41)) },
		`its reply is ""`:                                     func(token string) []byte { return wire(token, "", "") },
		"its reply came back in another envelope ":            func(token string) []byte { return wire(token, "hop", "", "pong") },
		"its reply came back in another envelope, it is none": func(token string) []byte { return wire(token, "") },
	} {
		t.Run(what, func(t *testing.T) {
			want, _, _ := strings.Cut(strings.TrimSpace(what), ", it is none")
			s := probing(t, 20*time.Millisecond, patience)
			client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
			s.until(t, "the lane's pid", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Pid != 0 })
			events := s.watching(t)
			told(t, events, control.LaneUp)
			for range 2 {
				worker.send(answer(worker.recv()[0]))
			}
			reason := "probe failed 2/2: " + want
			s.until(t, "the lane to be unfit", func(s control.Snapshot) bool { return s.Lanes[0].Unfit == reason })
			if e := told(t, events, control.ProbeFailed); e.Reason != "probe failed 1/2: "+want {
				t.Errorf("event %+v", e)
			}
			client.send(wire("", "one"))
			worker.pong("pong")
			if got := worker.echo(); got[2] != "one" {
				t.Errorf("the worker got %q", got)
			}
			client.recv()
		})
	}
}

// Without a reply to compare with any will do, also one of several frames.
func TestProbeTakesAnyReply(t *testing.T) {
	p := Probe{Payload: []byte("ping")}
	for _, body := range [][]string{{""}, {"x"}, {"x", "y"}} {
		if wrong := p.wrong(wire(append([]string{""}, body...)...)); wrong != "" {
			t.Errorf("%q: %s", body, wrong)
		}
	}
	if p.wrong(wire("x", "y")) == "" {
		t.Error("a reply without delimiter is taken")
	}
}

// A worker that is busy with a client's request is never asked, however long it takes.
func TestProbeLeavesTheBusyAlone(t *testing.T) {
	s := probing(t, 10*time.Millisecond, 10*time.Millisecond)
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "slow"))
	var slow []string
	for slow == nil || slow[2] == "ping" { // those before it
		if slow != nil {
			worker.send(wire(slow[0], "", "pong"))
		}
		slow = worker.recv()
	}
	idle := join(t, s.backend, "REP") // that is probed meanwhile, to see that the time would have been enough
	for range 5 {
		idle.pong("pong")
	}
	if err := worker.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := worker.Read(make([]byte, 100)); n > 0 || err == nil {
		t.Errorf("a worker that is busy got %d bytes", n)
	}
	worker.send(wire(slow...))
	if got := client.recv(); !slices.Equal(got, []string{"", "slow"}) {
		t.Errorf("the client got %q", got)
	}
}

// Who has a probe holds nothing: draining and emptying do not wait for its answer.
func TestProbeHoldsNothingUp(t *testing.T) {
	s := probing(t, time.Millisecond, patience)
	worker := join(t, s.backend, "REP")
	s.nameIt(t, worker, "hello/0#1")
	worker.recv()
	if err := s.Drain(t.Context(), "hello/0#1"); err != nil {
		t.Error(err)
	}
	if err := s.Quiesce(t.Context()); err != nil {
		t.Error(err)
	}
}

// Who is on hold, has a probe or has failed some is so at the proxy that takes over too, unless that one does not probe.
func TestTakeOverKeepsHealth(t *testing.T) {
	probing := Options{
		Dispatch: dispatch.Config{Probe: 20 * time.Millisecond, ProbeTimeout: patience, ProbeFailures: 1},
		Probe:    Probe{Payload: []byte("ping"), Reply: []byte("pong")},
	}
	s := serve(t, probing)
	client, held := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.nameIt(t, held, "hello/0#1")
	s.hold(t, "hello/0#1")
	probe := held.recv()
	s = s.takeOver(t, probing)
	held.send(wire(probe[0], "", "pong"))
	held.pong("oops")
	reason := `probe failed 1/1: its reply is "oops"`
	s.until(t, "the lane to be unfit", func(s control.Snapshot) bool { return s.Lanes[0].Unfit == reason })
	s = s.takeOver(t, probing)
	client.send(wire("", "one"))
	s.until(t, "it to wait", func(s control.Snapshot) bool { return s.Queued == 1 })
	if lane := s.snapshot(t).Lanes[0]; lane.Unfit != reason || !lane.OnHold {
		t.Errorf("lane %+v", lane)
	}
	late := join(t, s.backend, "REP")
	if got := late.echo(); got[2] != "one" { // it has no name as yet
		t.Errorf("the next worker got %q", got)
	}
	client.recv()
	s.nameIt(t, late, "hello/0#1")
	if lane := laneOf(s.snapshot(t), late); !lane.OnHold {
		t.Errorf("lane %+v", lane)
	}
}

func TestTakeOverWithoutProbes(t *testing.T) {
	s := probing(t, 20*time.Millisecond, patience)
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	worker.pong("oops")
	worker.pong("oops")
	s.until(t, "the lane to be unfit", func(s control.Snapshot) bool { return s.Lanes[0].Unfit != "" })
	s = s.takeOver(t, Options{})
	if lane := s.snapshot(t).Lanes[0]; lane.Unfit != "" {
		t.Errorf("lane %+v", lane)
	}
	client.send(wire("", "one"))
	for {
		if got := worker.recv(); got[2] == "one" {
			worker.send(wire(got...))
			break
		}
	}
	if got := client.recv(); got[1] != "one" {
		t.Errorf("the client got %q", got)
	}
}

// A worker that is supervised gets requests though its answers are wrong: its supervisor decides what that means.
func TestProbeOfASupervisedWorker(t *testing.T) {
	s := probing(t, 20*time.Millisecond, patience)
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.nameIt(t, worker, "hello/0#1")
	worker.pong("oops")
	worker.pong("oops")
	s.until(t, "the lane to be unfit", func(s control.Snapshot) bool { return s.Lanes[0].Unfit != "" && !s.Lanes[0].OnHold })
	client.send(wire("", "one"))
	for got := worker.recv(); got[2] != "one"; got = worker.recv() {
		worker.send(wire(got[0], "", "oops"))
	}
}
