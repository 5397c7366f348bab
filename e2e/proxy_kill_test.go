package e2e

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
)

// What clients see when the proxy is killed with -9, by the way that they were made: "When the proxy is killed" in docs/delivery.md.

// killProxy is kill -9, and waits for the next proxy to have all workers.
func (f *fleet) killProxy(t *testing.T) {
	t.Helper()
	before, err := f.ps(t)
	if err != nil {
		t.Fatal(err)
	}
	f.kill(t, before)
	f.until(t, "the proxy and its workers to be back", func(s admin.Service) bool {
		return s.Proxy.State == "ready" && s.Proxy.Pid != before.Proxy.Pid && isUp(s)
	})
}

func (f *fleet) kill(t *testing.T, s admin.Service) {
	t.Helper()
	if err := syscall.Kill(s.Proxy.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func within(d time.Duration) option {
	return func(c *zmq4.Socket) error { return c.SetRcvtimeo(d) }
}

func asksAgain(c *zmq4.Socket) error { return errors.Join(c.SetReqRelaxed(1), c.SetReqCorrelate(1)) }

// missed expects that no reply comes in the client's own time.
func missed(t *testing.T, c *zmq4.Socket) {
	t.Helper()
	if reply, err := c.RecvMessage(0); zmq4.AsErrno(err) != zmq4.Errno(syscall.EAGAIN) {
		t.Fatalf("got %q, %v, want nothing", reply, err)
	}
}

// A plain REQ that has a request in the proxy waits for ever. With a timeout of its own it gets EAGAIN, cannot send (EFSM), and has to
// be closed; another one in its place is answered.
func TestProxyKilledUnderPlainREQ(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	c := f.connect(t, zmq4.REQ, within(time.Second))
	send(t, c, "hang 200ms")
	f.busy(t)
	f.killProxy(t)
	missed(t, c)
	if _, err := c.SendMessage("echo again"); zmq4.AsErrno(err) != zmq4.EFSM {
		t.Errorf("asking again: %v, want EFSM", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if reply := f.request(t, "echo another"); reply[0] != "another" {
		t.Errorf("another one got %q", reply)
	}
	f.counted(t, admin.Counters{Requests: 1, Replies: 1}) // of the new proxy
	f.logged(t, "echo/proxy#1", `"event":"exited"`, "SIGKILL")
	f.logged(t, "echo/proxy#2", `"event":"ready"`)
}

// A REQ with ZMQ_REQ_RELAXED and ZMQ_REQ_CORRELATE asks again when its time is over, on the same socket, and gets the reply to that.
func TestProxyKilledUnderRelaxedREQ(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	c := f.connect(t, zmq4.REQ, within(time.Second), asksAgain)
	send(t, c, "hang 200ms")
	f.busy(t)
	f.killProxy(t)
	missed(t, c)
	if err := c.SetRcvtimeo(patience); err != nil {
		t.Fatal(err)
	}
	send(t, c, "echo again")
	expect(t, c, "again")
	send(t, c, "echo and again")
	expect(t, c, "and again")
}

// Such a client does not take the late reply to its first request for one to its second. Here no proxy dies: the reply is only slow.
func TestLateReplyIsNotTaken(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	c := f.connect(t, zmq4.REQ, within(100*time.Millisecond), asksAgain)
	send(t, c, "sleep 500ms")
	missed(t, c)
	if err := c.SetRcvtimeo(patience); err != nil {
		t.Fatal(err)
	}
	send(t, c, "echo second")
	expect(t, c, "second")
	f.counted(t, admin.Counters{Requests: 2, Replies: 2})
	send(t, c, "echo third")
	expect(t, c, "third")
}

// A DEALER reconnects by itself. What it had in the old proxy is gone, what it sends while there is none arrives at the next.
func TestProxyKilledUnderDEALER(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, "[service.echo.delivery]\nprefetch = 1\n"))
	ended := make(chan struct{}, 10)
	c := f.connect(t, zmq4.DEALER, disconnects(t, ended))
	send(t, c, "", "hang 300ms")
	send(t, c, "", "echo gone")
	f.busy(t)
	before, err := f.ps(t)
	if err != nil || before.Counters.Requests != 2 {
		t.Fatalf("%+v: %v", before.Counters, err)
	}
	f.kill(t, before)
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the client keeps its connection")
	}
	for i := range 3 {
		send(t, c, "", fmt.Sprintf("echo %d", i))
	}
	for i := range 3 { // and no reply to what is gone
		expect(t, c, "", itoa(i))
	}
	f.counted(t, admin.Counters{Requests: 3, Replies: 3})
	f.logged(t, "echo/proxy#2", `"level":"warn"`, "dropped a reply whose token names no request of this worker")
	f.restarted(t, 0)
}

// The port refuses nobody while the proxy is killed and comes back, and who asks then is answered within a second: the next proxy is up in
// some milliseconds, and libzmq connects again after 100 (ZMQ_RECONNECT_IVL).
func TestProxyKilledRefusesNobody(t *testing.T) {
	f := up(t, misbehaving(2, ""))
	const slow = 10 // times as long as it should take: a machine may be busy
	var stop atomic.Bool
	var refused error
	var dials int
	var dialling sync.WaitGroup
	dialling.Go(func() {
		for ; !stop.Load() && refused == nil; dials++ {
			var conn net.Conn
			if conn, refused = net.Dial("tcp", strings.TrimPrefix(f.frontend, "tcp://")); refused == nil {
				_ = conn.Close()
			}
			time.Sleep(time.Millisecond)
		}
	})
	for range 3 {
		before, err := f.ps(t)
		if err != nil {
			t.Fatal(err)
		}
		f.kill(t, before)
		began := time.Now()
		f.ask(t, "new")
		took := time.Since(began)
		t.Logf("answered %v after the kill", took)
		if took > slow*time.Second {
			t.Errorf("a new request was answered after %v", took)
		}
		f.until(t, "the proxy and its workers to be back", func(s admin.Service) bool {
			return s.Proxy.State == "ready" && s.Proxy.Pid != before.Proxy.Pid && isUp(s)
		})
	}
	stop.Store(true)
	dialling.Wait()
	if refused != nil || dials < 20 {
		t.Errorf("connection %d: %v", dials, refused)
	}
}
