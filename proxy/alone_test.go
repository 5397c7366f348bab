package proxy

import (
	"sync/atomic"
	"testing"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// A supervised worker that ends with its supervisor is no request's fault. One that ends before, and one of nobody's, may be.
func TestWorkersEndWithTheirSupervisor(t *testing.T) {
	var alone atomic.Bool
	s := serve(t, Options{Dispatch: dispatch.Config{Attempts: 2}, Alone: alone.Load})
	client := join(t, s.frontend, "DEALER")
	client.send(wire("", "one"))
	lives := 0
	end := func(name string) {
		t.Helper()
		worker := join(t, s.backend, "REP")
		worker.recv()
		lives++
		s.until(t, "the lane", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].ID == uint64(lives) })
		if err := s.Name(t.Context(), uint64(lives), name); err != nil {
			t.Fatal(err)
		}
		_ = worker.Close()
		s.until(t, "the lane to be gone", func(s control.Snapshot) bool { return len(s.Lanes) == 0 })
	}
	end("hello/0#1")
	alone.Store(true)
	for range 3 {
		end("hello/0#2")
	}
	if c := s.snapshot(t).Counters; c.Failed != 0 {
		t.Errorf("counters %+v", c)
	}
	end("")
	if got := client.recv(); decodeError(t, got[1]).Attempts != 2 {
		t.Errorf("the client got %q", got)
	}
}
