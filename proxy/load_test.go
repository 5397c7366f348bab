package proxy

import (
	"testing"

	"github.com/zfleet/zfleet/proxy/control"
)

// What a snapshot says of the load is what happened on the wire: one request at the lane, one that waits for it.
func TestLoad(t *testing.T) {
	s := serve(t, Options{})
	client := join(t, s.frontend, "DEALER")
	client.send(wire("", "one"))
	client.send(wire("", "two"))
	var snap control.Snapshot
	until := func(what string, ok func(control.Snapshot) bool) {
		s.until(t, what, func(now control.Snapshot) bool { snap = now; return ok(now) })
	}
	until("both to wait", func(s control.Snapshot) bool { return s.Queued == 2 && s.Load.OldestUS > 5000 })
	first := snap.Load
	if first.Working != 0 || first.Delivered != 0 || first.WaitedUS != 0 || first.BusyUS != 0 {
		t.Errorf("without a lane: %+v", first)
	}
	worker := join(t, s.backend, "REP")
	got := worker.recv()
	until("the lane to be busy", func(s control.Snapshot) bool { return s.Load.BusyUS > 5000 })
	worked := snap.Load.BusyUS
	if l := snap.Load; snap.Queued != 1 || l.Working != 1 || l.Delivered != 1 || l.WaitedUS < first.OldestUS || l.OldestUS < l.WaitedUS {
		t.Errorf("with one at the lane: %+v", snap)
	}
	if own, all := snap.Lanes[0].BusyUS, snap.Load.BusyUS; own != all {
		t.Errorf("the only lane was busy for %d of %d us", own, all)
	}
	worker.send(wire(got...))
	worker.recv()
	_ = worker.Close()
	until("the lane to be gone", func(s control.Snapshot) bool { return len(s.Lanes) == 0 })
	left := snap.Load
	if left.Answered != 1 || left.Delivered != 2 || left.BusyUS < worked || left.WaitedUS < 2*first.OldestUS || left.Working != 0 {
		t.Errorf("after the lane: %+v", left)
	}
}
