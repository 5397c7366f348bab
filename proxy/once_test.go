package proxy

import (
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/errorreply"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

var notTwice = errorreply.Error{
	Code: "ABORTED", Attempts: 1, Message: "its worker ended, or took too long, and this service's requests are not delivered twice",
}

// What a worker held when it died is answered with an error and never seen by another one. What waited is served.
func TestNeverRedelivered(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Once: true, Prefetch: 5}})
	client, first := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("hop", "", "dies"), wire("hop", "", "lives"))
	first.recv()
	s.until(t, "the other to wait", func(s control.Snapshot) bool { return s.Queued == 1 && s.Inflight == 1 })
	_ = first.Close()
	if got := client.recv(); decodeError(t, got[2]) != notTwice || got[0] != "hop" {
		t.Errorf("the client got %q", got)
	}
	second := join(t, s.backend, "REP")
	if got := second.echo(); got[3] != "lives" {
		t.Errorf("the second worker got %q", got)
	}
	if got := client.recv(); got[2] != "lives" {
		t.Errorf("the client got %q", got)
	}
	if c := s.snapshot(t).Counters; c.Redelivered != 0 || c.Failed != 1 || c.Replies != 2 {
		t.Errorf("counters %+v", c)
	}
}

// A worker that hangs takes no request to another one either.
func TestNeverRedeliveredStuck(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Once: true, Timeout: 50 * time.Millisecond}})
	client, hung := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	client.send(wire("", "hangs"))
	hung.recv()
	if got := client.recv(); decodeError(t, got[1]) != notTwice {
		t.Errorf("the client got %q", got)
	}
	if c := s.snapshot(t).Counters; c.Redelivered != 0 || c.Failed != 1 || c.Stuck != 1 {
		t.Errorf("counters %+v", c)
	}
}
