package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
)

func TestHundredsOfClients(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		for range 3 {
			p.rep(at.be(), echo)
		}
		clients := make([]*zmq4.Socket, 300)
		for i := range clients {
			clients[i] = p.connect(zmq4.REQ, at.fe())
		}
		for round := range 3 {
			for i, c := range clients {
				send(t, c, fmt.Sprintf("client %d round %d", i, round))
			}
			for i, c := range clients {
				expect(t, recv(t, c), fmt.Sprintf("client %d round %d", i, round))
			}
		}
	})
}

// A DEALER client may have any number of requests under way: each is answered once, with its own answer, in any order.
func TestManyOutstanding(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		for range 4 {
			p.rep(at.be(), echo)
		}
		const n = 900 // below the high-water mark of 1000, at which zmq_proxy drops replies
		client := p.connect(zmq4.DEALER, at.fe())
		for i := range n {
			send(t, client, "", fmt.Sprint(i))
		}
		left := make(map[string]bool, n)
		for i := range n {
			left[fmt.Sprint(i)] = true
		}
		for range n {
			take(t, left, recv(t, client))
		}
		expect(t, ask(t, client, "", "one more"), "", "one more")
	})
}

// take crosses the reply of a DEALER client off the list of those that are still to come.
func take(t tester, left map[string]bool, reply [][]byte) {
	t.Helper()
	if len(reply) != 2 || len(reply[0]) != 0 || !left[string(reply[1])] {
		t.Fatalf("got %s, which is not among the %d replies still to come", show(reply), len(left))
	}
	delete(left, string(reply[1]))
}

// A client may choose its routing id (ZMQ_ROUTING_ID), any bytes that do not begin with a zero, and use it again on a later connection.
func TestRoutingIDs(t *testing.T) {
	ids := []string{"a", "client-1", "\xff\x01\x00\x02", string(make255())}
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(at.be(), echo)
		for range 2 {
			for _, id := range ids {
				soc := p.socket(zmq4.DEALER, func(s *zmq4.Socket) error { return s.SetIdentity(id) })
				must(t, soc.Connect(at.fe()))
				expect(t, ask(t, soc, "", id), "", id)
				must(t, soc.Close())
				await.Until(t, "the engine to see the client leave", func() bool { return connections(t, at.fe()) == 0 })
			}
		}
	})
}

func make255() []byte {
	id := make([]byte, 255)
	for i := range id {
		id[i] = byte(i + 1)
	}
	return id
}

// A client that leaves takes nobody else's reply with it, and its own goes nowhere.
func TestClientLeavesWithItsRequestUnderWay(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		begun, open := make(chan struct{}), make(chan struct{})
		p.rep(at.be(), func(m [][]byte) [][]byte {
			if string(m[0]) == "left behind" {
				close(begun)
				hold(t, open)
			}
			return m
		})
		gone := p.socket(zmq4.REQ)
		must(t, gone.Connect(at.fe()))
		send(t, gone, "left behind")
		receive(t, begun, "the request at the worker")
		must(t, gone.Close())
		await.Until(t, "the engine to see the client leave", func() bool { return connections(t, at.fe()) == 0 })
		stays := p.connect(zmq4.REQ, at.fe())
		send(t, stays, "mine")
		close(open)
		expect(t, recv(t, stays), "mine")
	})
}

// Peers that ask for heartbeats get them from the engine: a client that waits long for its reply, and a worker that waits long for
// a request, keep their connections.
func TestHeartbeatsAreAnswered(t *testing.T) {
	beating := func(s *zmq4.Socket) error {
		if err := s.SetHeartbeatIvl(20 * time.Millisecond); err != nil {
			return err
		}
		return s.SetHeartbeatTimeout(patience)
	}
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		front, back := relayTo(t, at.fe(), whole), relayTo(t, at.be(), whole)
		gate := make(chan struct{})
		p.rep(back.endpoint, func(m [][]byte) [][]byte { hold(t, gate); return m }, beating)
		client := p.connect(zmq4.REQ, front.endpoint, beating)
		send(t, client, "slow")
		await.Until(t, "three PONGs on each side", func() bool { return front.pongs.Load() >= 3 && back.pongs.Load() >= 3 })
		close(gate)
		expect(t, recv(t, client), "slow")
		if front.conns.Load() != 1 || back.conns.Load() != 1 {
			t.Errorf("%d connections from the client and %d from the worker, want 1 and 1", front.conns.Load(), back.conns.Load())
		}
	})
}

// Bytes may arrive one by one, from either side.
func TestByteByByte(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(relayTo(t, at.be(), single).endpoint, echo)
		client := p.connect(zmq4.REQ, relayTo(t, at.fe(), single).endpoint, correlated)
		for _, body := range [][]string{{"x"}, {"", "a", ""}, {string(make255()), string(make255()) + "+"}} {
			expect(t, ask(t, client, body), body...)
		}
	})
}
