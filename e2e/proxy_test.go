package e2e

import (
	"errors"
	"syscall"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
)

// A proxy that is killed is back by itself, on the same port and with the same workers. While it is away nobody is refused: a client that
// asks then is answered by the next one.
func TestProxyKilled(t *testing.T) {
	t.Parallel()
	f := up(t, kinds["plugin"]())
	for range 3 {
		before, err := f.ps(t)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(before.Proxy.Pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		f.ask(t, "new")
		f.until(t, "the proxy and its workers to be back", func(s admin.Service) bool {
			return s.Proxy.State == "ready" && s.Proxy.Pid != before.Proxy.Pid && s.Ready == 3
		})
		after, err := f.ps(t)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range after.Workers {
			if w.Pid != before.Workers[i].Pid || w.Restarts != 0 {
				t.Errorf("%s was restarted with the proxy", w.Name)
			}
		}
	}
}

// ask is one client with one request.
func (f *fleet) ask(t *testing.T, number string) {
	t.Helper()
	if reply := f.request(t, order, number); len(reply) == 0 || reply[len(reply)-1] != number {
		t.Fatalf("got %q", reply)
	}
}

// request is one client with one request and its reply; nil when there is none.
func (f *fleet) request(t *testing.T, frames ...string) (reply []string) {
	t.Helper()
	c, err := zmq4.NewSocket(zmq4.REQ)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer func() { _ = c.Close() }()
	err = errors.Join(c.SetRcvtimeo(patience), c.SetLinger(0), c.Connect(f.frontend))
	if err == nil {
		_, err = c.SendMessage(frames)
	}
	if err == nil {
		reply, err = c.RecvMessage(0)
	}
	if err != nil {
		t.Errorf("no reply to %q: %v", frames, err)
	}
	return reply
}
