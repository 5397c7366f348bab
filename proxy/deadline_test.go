package proxy

import (
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// A request that waits and one at a worker are answered with an error at the deadline. The worker is not disturbed, and its late reply
// goes nowhere.
func TestDeadline(t *testing.T) {
	const deadline = time.Second
	s := serve(t, Options{Dispatch: dispatch.Config{Prefetch: 1, Deadline: deadline}})
	client, other, slow := join(t, s.frontend, "REQ"), join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	asked := time.Now()
	client.send(wire("", "running"))
	running := slow.recv()
	other.send(wire("", "waiting"))
	for _, p := range []*rawPeer{client, other} {
		if e := decodeError(t, p.recv()[1]); e.Code != "DEADLINE_EXCEEDED" || e.Message != "no reply within 1s" {
			t.Errorf("the client got %+v", e)
		}
		if took := time.Since(asked); took < deadline {
			t.Errorf("after %v", took)
		}
	}
	if snap := s.snapshot(t); snap.Queued != 0 || snap.Inflight != 1 || snap.Counters.Failed != 2 {
		t.Errorf("snapshot %+v", snap)
	}
	slow.send(wire(running...))
	s.until(t, "the late reply", func(s control.Snapshot) bool { return s.Inflight == 0 && s.Counters.Abandoned == 1 })
	slow.send(wire(running...)) // a second one is a stranger's
	s.until(t, "the second", func(s control.Snapshot) bool { return s.Counters.UnknownToken == 1 })
	client.send(wire("", "again"))
	slow.echo()
	if got := client.recv(); got[1] != "again" {
		t.Errorf("the client got %q", got)
	}
}

// A worker that dies with a request that is overdue takes it along.
func TestDeadlineThenLost(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Deadline: time.Second}})
	client, first := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	client.send(wire("", "old"))
	first.recv()
	if e := decodeError(t, client.recv()[1]); e.Code != "DEADLINE_EXCEEDED" {
		t.Errorf("the client got %+v", e)
	}
	_ = first.Close()
	s.until(t, "the first worker to go", func(s control.Snapshot) bool { return len(s.Lanes) == 0 })
	second := join(t, s.backend, "REP")
	client.send(wire("", "new"))
	if got := second.echo(); got[2] != "new" {
		t.Errorf("the second worker got %q", got)
	}
	if got := client.recv(); got[1] != "new" {
		t.Errorf("the client got %q", got)
	}
	if c := s.snapshot(t).Counters; c.Redelivered != 0 || c.Failed != 1 {
		t.Errorf("counters %+v", c)
	}
}
