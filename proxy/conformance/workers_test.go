package conformance

import (
	"fmt"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// It does not matter who is there first.
func TestWorkersBeforeClients(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		for range 5 {
			p.rep(at.be(), echo)
		}
		await.Until(t, "five workers", func() bool { return connections(t, at.be()) == 5 })
		for i := range 5 {
			expect(t, ask(t, p.connect(zmq4.REQ, at.fe()), fmt.Sprint(i)), fmt.Sprint(i))
		}
	})
}

// Requests wait while there is no worker, and all are answered when there is one.
func TestClientsBeforeWorkers(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		clients := make([]*zmq4.Socket, 100)
		for i := range clients {
			clients[i] = p.connect(zmq4.REQ, at.fe())
			send(t, clients[i], fmt.Sprint(i))
		}
		await.Until(t, "a hundred clients", func() bool { return connections(t, at.fe()) == len(clients) })
		p.rep(at.be(), echo)
		for i, c := range clients {
			expect(t, recv(t, c), fmt.Sprint(i))
		}
	})
}

// Idle workers leave and others come, the last one too, and nothing is lost.
func TestWorkersComeAndGo(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		client := p.connect(zmq4.REQ, at.fe())
		for round := range 6 {
			workers := make([]*worker, 1+round%3)
			for i := range workers {
				workers[i] = p.rep(at.be(), echo)
			}
			for i := range 20 {
				body := fmt.Sprintf("round %d request %d", round, i)
				expect(t, ask(t, client, body), body)
			}
			for i, w := range workers {
				w.leave()
				await.Until(t, "the engine to see the worker leave", func() bool { return connections(t, at.be()) == len(workers)-1-i })
			}
		}
	})
}

// Every worker gets a share.
func TestWorkersShare(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		for i := range 4 {
			p.rep(at.be(), func([][]byte) [][]byte { return frames(fmt.Sprint(i)) })
		}
		client := p.connect(zmq4.REQ, at.fe())
		seen := map[string]bool{}
		await.Until(t, "an answer from each of four workers", func() bool {
			seen[string(ask(t, client, "who?")[0])] = true
			return len(seen) == 4
		})
	})
}

// A worker need not be a REP: a DEALER or a ROUTER gets the envelope and hands it back.
func TestWorkersOfOtherKinds(t *testing.T) {
	for _, kind := range []zmq4.Type{zmq4.DEALER, zmq4.ROUTER} {
		t.Run(kind.String(), func(t *testing.T) {
			each(t, func(t *testing.T, at ports) {
				p := newPeers(t)
				p.work(kind, at.be(), echo)
				client := p.connect(zmq4.REQ, at.fe(), correlated)
				for i := range 50 {
					body := []string{"", fmt.Sprint(i), ""}
					expect(t, ask(t, client, body), body...)
				}
				dealer := p.connect(zmq4.DEALER, at.fe())
				expect(t, ask(t, dealer, "hop", "", "body"), "hop", "", "body")
			})
		})
	}
}

// A worker that takes several requests before it answers may answer them in any order.
func TestAnswersOutOfOrder(t *testing.T) {
	two := setup{our: proxy.Options{Dispatch: dispatch.Config{Prefetch: 2}}} // adaptive prefetch gives the second when the first is answered
	eachWith(t, two, func(t *testing.T, at ports) {
		p := newPeers(t)
		clients := []*zmq4.Socket{p.connect(zmq4.REQ, at.fe()), p.connect(zmq4.REQ, at.fe())}
		for i, c := range clients {
			send(t, c, fmt.Sprint(i))
		}
		var held [][][]byte
		backwards := p.connect(zmq4.DEALER, at.be())
		held = append(held, recv(t, backwards), recv(t, backwards))
		send(t, backwards, held[1])
		send(t, backwards, held[0])
		for i, c := range clients {
			expect(t, recv(t, c), fmt.Sprint(i))
		}
	})
}
