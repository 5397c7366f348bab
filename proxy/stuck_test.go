package proxy

import (
	"context"
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// A worker that takes too long loses its connection, and its request goes to another one. Who supervises it is told.
func TestStuckWorker(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Timeout: 100 * time.Millisecond}})
	client, hung := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	s.until(t, "the first lane's pid", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Pid != 0 })
	ctx, cancel := context.WithCancel(t.Context())
	events, ended := make(chan control.Event, 10), make(chan error, 1)
	go func() { ended <- s.Events(ctx, func(e control.Event) { events <- e }) }()

	asked := time.Now()
	client.send(wire("", "hello"))
	hung.recv()
	other := join(t, s.backend, "REP")
	hung.closed()
	if took := time.Since(asked); took < 100*time.Millisecond {
		t.Errorf("closed after %v", took)
	}
	other.echo()
	if got := client.recv(); got[1] != "hello" {
		t.Errorf("the client got %q", got)
	}
	for _, want := range []control.Kind{control.LaneUp, control.LaneStuck, control.LaneDown} {
		e := <-events
		for e.Lane.Peer != hung.LocalAddr().String() {
			e = <-events
		}
		if e.Kind != want || (want != control.LaneUp) != (e.Reason != "") {
			t.Errorf("event %+v instead of %s", e, want)
		}
	}
	if c := s.snapshot(t).Counters; c.Stuck != 1 || c.Redelivered != 1 || c.BadPeers != 0 {
		t.Errorf("counters %+v", c)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("Events ended without an error")
	}
}
