package proxy

import (
	"context"
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// watching is the events of a proxy from now on.
func (s *served) watching(t *testing.T) <-chan control.Event {
	ctx, cancel := context.WithCancel(t.Context())
	events, ended := make(chan control.Event, 10), make(chan error, 1)
	go func() { ended <- s.Events(ctx, func(e control.Event) { events <- e }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err == nil {
			t.Error("Events ended without an error")
		}
	})
	return events
}

// oneStuck: the only lane is stuck.
func oneStuck(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Stuck != "" }

// expectEvents takes the next events of a peer.
func expectEvents(t *testing.T, events <-chan control.Event, peer *rawPeer, kinds ...control.Kind) {
	t.Helper()
	for _, want := range kinds {
		e := <-events
		for e.Lane.Peer != peer.LocalAddr().String() {
			e = <-events
		}
		if stuck := want == control.LaneStuck; e.Kind != want || stuck != (e.Reason != "") || stuck != (e.Lane.Stuck != "") {
			t.Errorf("event %+v instead of %s", e, want)
		}
	}
}

// A worker that takes too long is set aside, and its requests go to another one. Its connection stays. It gets nothing, whatever it
// sends, until it has answered all that it had: to nobody. Who supervises it is told.
func TestStuckWorker(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Timeout: time.Second, Prefetch: 2}})
	client, hung := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.until(t, "the first lane's pid", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Pid != 0 })
	events := s.watching(t)
	asked := time.Now()
	client.send(wire("", "one"), wire("", "two"))
	one, two := hung.recv(), hung.recv()
	s.until(t, "the lane to be stuck", oneStuck)
	if took := time.Since(asked); took < time.Second {
		t.Errorf("stuck after %v", took)
	}
	late := join(t, s.backend, "REP")
	expectEvents(t, events, hung, control.LaneUp, control.LaneStuck)
	for _, want := range []string{"one", "two"} {
		late.echo()
		if got := client.recv(); got[1] != want {
			t.Errorf("the client got %q", got)
		}
	}
	_ = late.Close()
	s.until(t, "the lane to be alone", func(s control.Snapshot) bool { return len(s.Lanes) == 1 })

	client.send(wire("", "three"))
	hung.send(wire(two...), wire(two...), wire("", "no token"), wire("12345678", "", "another token"))
	s.until(t, "four replies to nothing", func(s control.Snapshot) bool { return s.Counters.UnknownToken == 4 })
	if snap := s.snapshot(t); snap.Queued != 1 || !oneStuck(snap) {
		t.Errorf("snapshot %+v", snap)
	}
	hung.send(wire(one[0])) // what is behind the token does not matter any more
	if got := hung.echo(); got[2] != "three" {
		t.Errorf("the worker got %q", got)
	}
	if got := client.recv(); got[1] != "three" {
		t.Errorf("the client got %q", got)
	}
	expectEvents(t, events, hung, control.LaneBack)
	if snap := s.snapshot(t); snap.Lanes[0].Stuck != "" || snap.Lanes[0].Answered != 1 {
		t.Errorf("snapshot %+v", snap)
	}
	if c := s.snapshot(t).Counters; c.Stuck != 1 || c.Redelivered != 2 || c.UnknownToken != 5 || c.Replies != 3 || c.Failed+c.BadPeers != 0 {
		t.Errorf("counters %+v", c)
	}
}

// Who comes to follow the lanes hears with them that one is stuck.
func TestStuckLaneIsToldAnew(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Timeout: 10 * time.Millisecond}})
	client, hung := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	client.send(wire("", "hello"))
	hung.recv()
	s.until(t, "the lane to be stuck", func(s control.Snapshot) bool { return oneStuck(s) && s.Lanes[0].Pid != 0 })
	if e := <-s.watching(t); e.Kind != control.LaneUp || e.Lane.Stuck != "a request is past its timeout of 10ms" {
		t.Errorf("first event %+v", e)
	}
}

// A stuck worker that is to leave holds nothing any more, before and after it is told to.
func TestDrainStuckWorker(t *testing.T) {
	for name, drainFirst := range map[string]bool{"drained, then stuck": true, "stuck, then drained": false} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, Options{Dispatch: dispatch.Config{Timeout: 200 * time.Millisecond}})
			client, hung := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
			s.until(t, "the lane", func(s control.Snapshot) bool { return len(s.Lanes) == 1 })
			if err := s.Name(t.Context(), s.snapshot(t).Lanes[0].ID, "hello/0#1"); err != nil {
				t.Fatal(err)
			}
			client.send(wire("", "hello"))
			hung.recv()
			if !drainFirst {
				s.until(t, "the lane to be stuck", oneStuck)
			}
			if err := s.Drain(t.Context(), "hello/0#1"); err != nil {
				t.Error(err)
			}
			if snap := s.snapshot(t); snap.Queued != 1 || !oneStuck(snap) || !snap.Lanes[0].Draining {
				t.Errorf("snapshot %+v", snap)
			}
		})
	}
}
