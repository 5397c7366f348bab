package proxy

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
)

func TestDrain(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.until(t, "the lane", func(s control.Snapshot) bool { return len(s.Lanes) == 1 })
	if err := s.Name(t.Context(), s.snapshot(t).Lanes[0].ID, "hello/0#1"); err != nil {
		t.Fatal(err)
	}
	client.send(wire("", "one"))
	got := worker.recv()
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(t.Context(), "hello/0#1") }()
	s.until(t, "the lane to drain", func(s control.Snapshot) bool { return s.Lanes[0].Draining })
	client.send(wire("", "two"))
	s.until(t, "the second to wait", func(s control.Snapshot) bool { return s.Queued == 1 })
	select {
	case err := <-drained:
		t.Fatalf("drained with a request outstanding: %v", err)
	default:
	}
	worker.send(wire(got...))
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if err := s.Drain(t.Context(), "hello/9#1"); err != nil {
		t.Errorf("a worker without lanes is not drained: %v", err)
	}
	if err := s.Drain(t.Context(), ""); err == nil {
		t.Error("drained a worker without name")
	}
	if snap := s.snapshot(t); snap.Queued != 1 || snap.Lanes[0].Worker != "hello/0#1" || snap.Lanes[0].Answered != 1 {
		t.Errorf("snapshot %+v", snap)
	}
}

func TestNameOfNoLane(t *testing.T) {
	s := serve(t, Options{})
	if err := s.Name(t.Context(), 7, "hello/0#1"); err == nil || !strings.Contains(err.Error(), "no such lane") {
		t.Errorf("Name: %v", err)
	}
}

func TestQuiesce(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "before"))
	got := worker.recv()
	quiesced := make(chan error, 1)
	go func() { quiesced <- s.Quiesce(t.Context()) }()
	await.Until(t, "the frontend to be quiet", func() bool { return s.quiet(t) })
	select {
	case err := <-quiesced:
		t.Fatalf("quiesced with a request outstanding: %v", err)
	default:
	}
	worker.send(wire(got...))
	client.recv()
	if err := <-quiesced; err != nil {
		t.Error(err)
	}
}

func TestEvents(t *testing.T) {
	s := serve(t, Options{})
	early := join(t, s.backend, "REP")
	s.until(t, "the first lane's pid", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Pid != 0 })
	ctx, cancel := context.WithCancel(t.Context())
	events, ended := make(chan control.Event), make(chan error, 1)
	go func() { ended <- s.Events(ctx, func(e control.Event) { events <- e }) }()
	if e := <-events; e.Kind != control.LaneUp || e.Lane.Peer != early.LocalAddr().String() {
		t.Errorf("first event %+v", e)
	}
	if e := <-events; e.Kind != control.Listed {
		t.Errorf("after all lanes: %+v", e)
	}
	late := join(t, s.backend, "REP")
	if e := <-events; e.Kind != control.LaneUp || e.Lane.Peer != late.LocalAddr().String() || e.Lane.Pid == 0 {
		t.Errorf("second event %+v", e)
	}
	_ = early.Close()
	if e := <-events; e.Kind != control.LaneDown || e.Lane.Peer != early.LocalAddr().String() || e.Reason == "" {
		t.Errorf("third event %+v", e)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("Events ended without an error")
	}
}

// A worker gives its name as PLAIN username and the fleet's secret as password.

func TestNamedWorker(t *testing.T) {
	s := serve(t, Options{Secret: "secret"})
	p := dial(t, s.backend)
	hello := slices.Concat([]byte{9}, []byte("hello/0#1"), []byte{6}, []byte("secret"))
	p.send(greeting("PLAIN"), command("HELLO", hello))
	p.skip(64)
	if _, name := p.next(); name != "WELCOME" {
		t.Fatalf("got %q instead of WELCOME", name)
	}
	p.send(command("INITIATE", property("Socket-Type", "REP")))
	if _, name := p.next(); name != "READY" {
		t.Fatalf("got %q instead of READY", name)
	}
	s.until(t, "the lane's name", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Worker == "hello/0#1" })
}
