package proxy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

func TestClientThatDoesNotRead(t *testing.T) {
	s := serve(t, Options{ClientBuffer: 1 << 20})
	lazy, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "DEALER")
	go func() {
		for body := strings.Repeat("x", 1<<10); ; {
			if _, err := lazy.Write(wire("", body)); err != nil {
				return
			}
		}
	}()
	answered := make(chan struct{})
	go func() { // each request is answered with far more than was asked
		defer close(answered)
		for body := strings.Repeat("y", 1<<20); s.open(t); {
			item, err := worker.scan.Next(worker.held)
			if err != nil || item.Kind == zmtp.None {
				b := make([]byte, 1<<16)
				n, err := worker.Read(b)
				if err != nil {
					return
				}
				worker.held = append(worker.held, b[:n]...)
				continue
			}
			got := worker.recv()
			if _, err := worker.Write(wire(got[0], "", body)); err != nil {
				return
			}
		}
	}()
	s.until(t, "the client to be dropped", func(s control.Snapshot) bool { return s.Counters.SlowClients == 1 && s.Clients == 0 })
	_ = worker.Close()
	<-answered
}

// open says whether the slow client has not been dropped yet.

func (s *served) open(t *testing.T) bool { return s.snapshot(t).Counters.SlowClients == 0 }

// A full queue stops the flood at its socket, and lets a lone client through.

func TestQueueFull(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Queue: 100, Prefetch: 1}})
	flood, lone := join(t, s.frontend, "DEALER"), join(t, s.frontend, "REQ")
	const sent = 10_000
	pad := strings.Repeat(".", 1<<10) // so that all of them are far more than the sockets hold
	go func() {
		for i := range sent {
			if _, err := flood.Write(wire("", fmt.Sprint(i), pad)); err != nil {
				return
			}
		}
	}()
	s.until(t, "the queue to fill", func(s control.Snapshot) bool { return s.Queued >= 100 })
	lone.send(wire("", "lone"))
	worker := join(t, s.backend, "REP")
	served := 0
	for body := ""; body != "lone"; served++ {
		body = worker.echo()[2]
	}
	if served > 3 {
		t.Errorf("the lone client was served after %d others", served-1)
	}
	if snap := s.snapshot(t); snap.Queued > 100+1 || snap.Counters.Requests == sent {
		t.Errorf("%d of %d requests were read, %d wait", snap.Counters.Requests, sent, snap.Queued)
	}
	go func() {
		for served < sent+1 {
			worker.echo()
			served++
		}
	}()
	for i := range sent {
		if got := flood.recv(); got[1] != fmt.Sprint(i) {
			t.Fatalf("reply %d is %q", i, got)
		}
	}
}

func TestClientLeaves(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Prefetch: 1}})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "running"), wire("", "waiting"))
	running := worker.recv()
	s.until(t, "one to wait", func(s control.Snapshot) bool { return s.Queued == 1 })
	_ = client.Close()
	s.until(t, "the waiting one to go", func(s control.Snapshot) bool { return s.Queued == 0 && s.Clients == 0 })
	worker.send(wire(running...))
	s.until(t, "the running one to go", func(s control.Snapshot) bool { return s.Inflight == 0 })
	if c := s.snapshot(t).Counters; c.Abandoned != 2 || c.Replies != 0 {
		t.Errorf("counters %+v", c)
	}
}

// Run answers what it has when its context ends, and takes no more.
