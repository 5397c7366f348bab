package proxy

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/zfleet/zfleet/internal/errorreply"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// A queue that rejects answers a flood with errors at once, goes on reading, and lets a lone client through.
func TestQueueRejects(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Queue: 2, Prefetch: 1, Reject: true}})
	flood, lone := join(t, s.frontend, "DEALER"), join(t, s.frontend, "REQ")
	const sent = 1000
	for i := range sent {
		flood.send(wire("hop", "", fmt.Sprint(i)))
	}
	for range sent - 2 {
		got := flood.recv()
		if e := decodeError(t, got[2]); e.Code != "RESOURCE_EXHAUSTED" || e.Message != "the queue is full" || got[0] != "hop" {
			t.Fatalf("the client got %q", got)
		}
	}
	lone.send(wire("", "lone"))
	s.until(t, "the lone request", func(s control.Snapshot) bool { return s.Queued == 3 })
	worker := join(t, s.backend, "REP")
	for range 3 {
		worker.echo()
	}
	if got := lone.recv(); got[1] != "lone" {
		t.Errorf("the lone client got %q", got)
	}
	for i := range 2 {
		if got := flood.recv(); got[2] != fmt.Sprint(i) {
			t.Errorf("reply %d is %q", i, got)
		}
	}
	c := s.snapshot(t).Counters
	if c.Requests != sent+1 || c.Rejected != sent-2 || c.Failed != sent-2 || c.Replies != sent+1 {
		t.Errorf("counters %+v", c)
	}
}

// decodeError is the error in a reply's body.
func decodeError(t *testing.T, body string) errorreply.Error {
	t.Helper()
	var reply struct{ Zfleet errorreply.Error }
	if err := json.Unmarshal([]byte(body), &reply); err != nil {
		t.Fatalf("%q is no error reply: %v", body, err)
	}
	return reply.Zfleet
}
