package proxy

import (
	"net"
	"testing"

	"github.com/zfleet/zfleet/proxy/control"
)

// A proxy's listening sockets are given to who asks, as often as that is, and it goes on accepting. They outlive it.
func TestListeners(t *testing.T) {
	s := serve(t, Options{})
	var held []control.Listener
	for range 2 {
		all, err := s.Listeners(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 2 || all[0].Port != control.Frontend || all[1].Port != control.Backend ||
			all[0].Bound.String() != "tcp://"+s.frontend || all[0].Asked.String() != "tcp://127.0.0.1:*" || all[0].File {
			t.Fatalf("got %+v", all)
		}
		held = append(held, all...)
		client, worker := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
		client.send(wire("", "one"))
		worker.send(wire(worker.recv()...))
		client.recv()
		_ = worker.Close()
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for i, l := range held {
		ln, err := l.Open(l.FD)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		if i > 0 {
			continue
		}
		conn, err := net.Dial("tcp", s.frontend)
		if err != nil {
			t.Fatalf("nobody listens any more: %v", err)
		}
		_ = conn.Close()
	}
	if _, err := s.Listeners(t.Context()); err == nil {
		t.Error("a proxy that has ended gave listeners")
	}
}
