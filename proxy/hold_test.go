package proxy

import (
	"testing"

	"github.com/zfleet/zfleet/proxy/control"
)

// nameIt gives the lane of a peer a worker's name.
func (s *served) nameIt(t *testing.T, peer *rawPeer, worker string) {
	t.Helper()
	s.until(t, "the lane", func(s control.Snapshot) bool { return laneOf(s, peer).ID > 0 })
	if err := s.Name(t.Context(), laneOf(s.snapshot(t), peer).ID, worker); err != nil {
		t.Fatal(err)
	}
}

func laneOf(s control.Snapshot, peer *rawPeer) (found control.Lane) {
	for _, lane := range s.Lanes {
		if lane.Peer == peer.LocalAddr().String() {
			found = lane
		}
	}
	return found
}

func (s *served) hold(t *testing.T, workers ...string) {
	t.Helper()
	if err := s.Hold(t.Context(), workers); err != nil {
		t.Fatal(err)
	}
}

// A worker on hold finishes what it has and gets nothing new; its next connection neither. Then it gets what has waited.
func TestHold(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.nameIt(t, worker, "hello/0#1")
	client.send(wire("", "one"))
	one := worker.recv()
	s.hold(t, "hello/7#1", "hello/0#1")
	worker.send(wire(one...))
	if got := client.recv(); got[1] != "one" {
		t.Errorf("the client got %q", got)
	}
	again := join(t, s.backend, "REP")
	s.nameIt(t, again, "hello/0#1")
	client.send(wire("", "two"))
	s.until(t, "the second to wait", func(snap control.Snapshot) bool { return snap.Queued == 1 && laneOf(snap, again).OnHold })
	_ = again.Close()
	s.hold(t, "hello/7#1")
	if got := worker.echo(); got[2] != "two" {
		t.Errorf("the worker got %q", got)
	}
	client.recv()
}

// What is said last holds, for a lane that gets its name later too, and nothing that is said undoes a drain.
func TestHoldIsSaidAnew(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.hold(t, "hello/0#1")
	s.nameIt(t, worker, "hello/0#1")
	client.send(wire("", "one"))
	s.until(t, "it to wait", func(s control.Snapshot) bool { return s.Queued == 1 && s.Lanes[0].OnHold })
	s.hold(t)
	if got := worker.echo(); got[2] != "one" {
		t.Errorf("the worker got %q", got)
	}
	client.recv()
	s.hold(t, "hello/0#1")
	if err := s.Drain(t.Context(), "hello/0#1"); err != nil {
		t.Error(err)
	}
	s.hold(t)
	client.send(wire("", "two"))
	s.until(t, "it to wait", func(s control.Snapshot) bool { return s.Queued == 1 })
	if lane := s.snapshot(t).Lanes[0]; lane.OnHold || !lane.Draining || lane.Inflight != 0 {
		t.Errorf("lane %+v", lane)
	}
}
