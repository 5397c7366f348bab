package proxy

import (
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

func TestRunEndsWhenAllIsAnswered(t *testing.T) {
	s := serve(t, Options{Grace: patience})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "before"))
	got := worker.recv()
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	await.Until(t, "new connections to be refused or left alone", func() bool { return s.quiet(t) })
	client.send(wire("", "after"))
	worker.send(wire(got...))
	if got := client.recv(); got[1] != "before" {
		t.Errorf("the client got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	client.closed()
}

// quiet says whether the proxy has stopped reading: a fresh handshake on the frontend gets no answer any more.

func (s *served) quiet(t *testing.T) bool {
	p := dial(t, s.frontend)
	defer func() { _ = p.Close() }()
	_ = p.SetDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := p.Read(make([]byte, 1))
	return err != nil
}

// What is left when the time is up is answered with an error.

func TestRunGivesUp(t *testing.T) {
	s := serve(t, Options{Grace: 50 * time.Millisecond, Dispatch: dispatch.Config{Prefetch: 1}})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "running"), wire("", "waiting"))
	worker.recv()
	s.until(t, "one to wait", func(s control.Snapshot) bool { return s.Queued == 1 })
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if got := client.recv(); !strings.Contains(got[1], "shutting down") {
			t.Errorf("the client got %q", got)
		}
	}
}
