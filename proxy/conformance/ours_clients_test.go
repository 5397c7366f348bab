package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// Two clients may set the same routing id: connections are told apart by themselves. libzmq's ROUTER never serves the second one.
func TestSameRoutingID(t *testing.T) {
	t.Parallel()
	o := start(t, setup{})
	p := newPeers(t)
	p.rep(o.be(), echo)
	named := func(s *zmq4.Socket) error { return s.SetIdentity("the same") }
	one, other := p.connect(zmq4.REQ, o.fe(), named), p.connect(zmq4.REQ, o.fe(), named)
	for range 10 {
		send(t, one, "one")
		send(t, other, "other")
		expect(t, recv(t, other), "other")
		expect(t, recv(t, one), "one")
	}
}

// One client may have far more requests under way than libzmq's high-water marks let through, and read its replies when it likes.
func TestVeryManyOutstanding(t *testing.T) {
	t.Parallel()
	o := start(t, setup{})
	p := newPeers(t)
	client := p.connect(zmq4.DEALER, o.fe())
	left := flood(t, client, 20_000)
	p.rep(o.be(), echo)
	p.rep(o.be(), echo)
	o.answered(client, left, 20_000)
}

// Clients take turns: a lone request behind a flood is the worker's next or next but one, not its last.
func TestLoneClientBesideAFlood(t *testing.T) {
	t.Parallel()
	o := start(t, setup{our: proxy.Options{Dispatch: dispatch.Config{Prefetch: 1}}})
	p := newPeers(t)
	begun, gate := make(chan struct{}, 1), make(chan struct{})
	var order []string // the worker's, until it has left
	w := p.rep(o.be(), func(m [][]byte) [][]byte {
		order = append(order, string(m[0]))
		if len(order) == 1 {
			begun <- struct{}{}
			hold(t, gate)
		}
		return m
	})
	flooding := p.connect(zmq4.DEALER, o.fe())
	left := flood(t, flooding, 5000)
	receive(t, begun, "the first request at the worker")
	await.Until(t, "the flood to be queued", func() bool { return o.snapshot().Queued == 4999 })
	lone := p.connect(zmq4.REQ, o.fe())
	send(t, lone, "lone")
	await.Until(t, "the lone request to be queued", func() bool { return o.snapshot().Queued == 5000 })
	close(gate)
	expect(t, recv(t, lone), "lone")
	o.answered(flooding, left, 5001)
	w.leave()
	if at := slices.Index(order, "lone"); at > 2 {
		t.Errorf("the lone request was number %d at the worker, behind a flood", at+1)
	}
}

// A slow worker holds up what it has and nothing else.
func TestSlowWorkerBesideAFastOne(t *testing.T) {
	t.Parallel()
	o := start(t, setup{our: proxy.Options{Dispatch: dispatch.Config{Prefetch: 1}}})
	p := newPeers(t)
	client := p.connect(zmq4.DEALER, o.fe())
	gate, stuck := make(chan struct{}), make(chan string, 1)
	p.rep(o.be(), func(m [][]byte) [][]byte {
		select {
		case <-gate:
		default:
			stuck <- string(m[0])
			hold(t, gate)
		}
		return m
	})
	left := flood(t, client, 1000)
	slow := receive(t, stuck, "a request at the slow worker")
	p.rep(o.be(), echo)
	for len(left) > 1 {
		take(t, left, recv(t, client))
	}
	if !left[slow] {
		t.Fatalf("request %s was answered while its worker was held", slow)
	}
	close(gate)
	o.answered(client, left, 1000)
}

// A client that does not read its replies is dropped when they fill its buffer. Others do not notice, and what it was owed is given back.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	o := start(t, setup{our: proxy.Options{ClientBuffer: 4 << 20}})
	p := newPeers(t)
	reply := strings.Repeat("R", 1<<20)
	p.rep(o.be(), func([][]byte) [][]byte { return frames(reply) })
	p.rep(o.be(), func([][]byte) [][]byte { return frames(reply) })
	deaf := dialAs(t, o.fe(), "DEALER", 1)
	for i := range 100 {
		deaf.write(wire(0, "", fmt.Sprint(i)))
	}
	client := p.connect(zmq4.REQ, o.fe())
	await.Until(t, "the deaf client to be dropped", func() bool {
		expect(t, ask(t, client, "mine"), reply)
		return o.snapshot().Counters.SlowClients == 1
	})
	expect(t, ask(t, client, "mine"), reply)
	if s := o.snapshot(); s.Clients != 1 || s.Queued != 0 {
		t.Errorf("%d clients and %d requests queued, want the other client and none", s.Clients, s.Queued)
	}
}

// A full queue stops reading from clients (their own high-water mark then holds), and nothing is lost by it.
func TestFullQueueHoldsClientsBack(t *testing.T) {
	t.Parallel()
	const (
		bound   = 100
		each    = 1000
		size    = 1000
		oneRead = 64 << 10 // what may come from each client before it is held back
	)
	o := start(t, setup{our: proxy.Options{Dispatch: dispatch.Config{Queue: bound}}})
	p := newPeers(t)
	clients, left := make([]*zmq4.Socket, 4), make([]map[string]bool, 4)
	for i := range clients {
		clients[i], left[i] = p.connect(zmq4.DEALER, o.fe()), map[string]bool{}
		for n := range each {
			body := fmt.Sprintf("%0*d", size, n)
			send(t, clients[i], "", body)
			left[i][body] = true
		}
	}
	await.Until(t, "the queue to fill", func() bool { return o.snapshot().Queued >= bound })
	p.rep(o.be(), echo)
	for i, c := range clients {
		for len(left[i]) > 0 {
			take(t, left[i], recv(t, c))
			if len(left[i])%50 != 0 {
				continue
			}
			if q := o.snapshot().Queued; q > bound+len(clients)*oneRead/size {
				t.Fatalf("%d requests of %d bytes queued, the bound is %d and one read of each client", q, size, bound)
			}
		}
	}
	o.quiet(4 * each)
}

// Requests of a client that has left are dropped where they wait, and finish into nothing where they run.
func TestClientLeavesManyRequests(t *testing.T) {
	t.Parallel()
	o := start(t, holding(1))
	p := newPeers(t)
	w := dialAs(t, o.be(), "REP", 1)
	gone := dialAs(t, o.fe(), "DEALER", 1)
	for i := range 100 {
		gone.write(wire(0, "", fmt.Sprint(i)))
	}
	running := texts(w.recv())
	await.Until(t, "the rest to be queued", func() bool { return o.snapshot().Queued == 99 })
	must(t, gone.Close())
	await.Until(t, "the rest to be dropped", func() bool { return o.snapshot().Queued == 0 })
	client := p.connect(zmq4.REQ, o.fe())
	send(t, client, "Hello")
	w.write(wire(0, running...))
	w.write(wire(0, texts(w.recv())...))
	expect(t, recv(t, client), "Hello")
	if s := o.snapshot(); s.Counters.Abandoned != 100 || s.Counters.Replies != 1 {
		t.Errorf("%d abandoned and %d replies, want 100 and 1", s.Counters.Abandoned, s.Counters.Replies)
	}
}
