package conformance

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"
)

// A client may stand behind any number of proxies: each pushes the routing id of the connection that a request came by.
func TestClientBehindProxies(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(at.be(), echo)
		endpoint := at.fe()
		for hops := range 4 {
			body := fmt.Sprintf("after %d hops", hops)
			expect(t, ask(t, p.connect(zmq4.REQ, endpoint), body, "", "more"), body, "", "more")
			expect(t, ask(t, p.connect(zmq4.REQ, endpoint, correlated), body), body)
			endpoint = p.hop(zmq4.ROUTER, "", zmq4.DEALER, endpoint)
		}
	})
}

// So may a worker: a ROUTER that connects to the backend deals on to whoever connects to the DEALER behind it.
func TestWorkerBehindProxies(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		endpoint := at.be()
		for range 3 {
			endpoint = p.hop(zmq4.ROUTER, endpoint, zmq4.DEALER, "")
		}
		p.rep(endpoint, echo)
		client := p.connect(zmq4.REQ, at.fe())
		for i := range 20 {
			body := fmt.Sprintf("request %d", i)
			expect(t, ask(t, client, body, ""), body, "")
		}
	})
}

// hop runs a real zmq_proxy between two sockets until the test ends. A socket with an endpoint connects to it; one without is bound, and
// the endpoint that it got is returned.
func (p *peers) hop(front zmq4.Type, frontend string, back zmq4.Type, backend string) (bound string) {
	p.t.Helper()
	ctx, err := zmq4.NewContext()
	must(p.t, err)
	plug := func(kind zmq4.Type, endpoint string) *zmq4.Socket {
		soc, err := ctx.NewSocket(kind)
		must(p.t, err)
		must(p.t, soc.SetLinger(0))
		if endpoint != "" {
			must(p.t, soc.Connect(endpoint))
			return soc
		}
		must(p.t, soc.Bind("tcp://127.0.0.1:*"))
		bound, err = soc.GetLastEndpoint()
		must(p.t, err)
		return soc
	}
	router, dealer := plug(front, frontend), plug(back, backend)
	go func() {
		_ = zmq4.Proxy(router, dealer, nil) // until Term
		_ = errors.Join(router.Close(), dealer.Close())
	}()
	p.t.Cleanup(func() { must(p.t, ctx.Term()) })
	return bound
}

// correlated is ZMQ_REQ_CORRELATE: a four-byte request id before the delimiter, which has to come back.
func correlated(soc *zmq4.Socket) error { return soc.SetReqCorrelate(1) }

// relaxed is ZMQ_REQ_RELAXED: another request may be sent before the last one was answered.
func relaxed(soc *zmq4.Socket) error { return soc.SetReqRelaxed(1) }

// An envelope is all before the first empty frame and comes back byte for byte. Later empty frames are body.
func TestEnvelopes(t *testing.T) {
	long := strings.Repeat("e", 255)
	envelopes := [][]string{
		{}, {"a"}, {"\x00"}, {"a", "b", "c"}, {long}, {long + "e"}, {strings.Repeat("e", 70_000)},
		strings.Split(strings.Repeat("hop,", 63)+"hop", ","),
		{"\x01\x02\x03\x04\x05\x06\x07\x08"}, // as long as a token might be
	}
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(at.be(), echo)
		client := p.connect(zmq4.DEALER, at.fe())
		for _, envelope := range envelopes {
			for _, body := range [][]string{{"body"}, {""}, {"", "", "body"}, {"body", "", "more"}} {
				message := append(append(append([]string{}, envelope...), ""), body...)
				expect(t, ask(t, client, message), message...)
			}
		}
	})
}

func TestCorrelate(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(at.be(), echo)
		client := p.connect(zmq4.REQ, at.fe(), correlated)
		for i := range 50 {
			expect(t, ask(t, client, fmt.Sprint(i)), fmt.Sprint(i))
		}
	})
}

// A relaxed client that asks again while its first request is at a worker gets the second reply, and the first does it no harm.
func TestRelaxed(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		begun, open := make(chan struct{}), make(chan struct{})
		p.rep(at.be(), func(m [][]byte) [][]byte {
			if string(m[0]) == "first" {
				close(begun)
				hold(t, open)
			}
			return m
		})
		client := p.connect(zmq4.REQ, at.fe(), relaxed, correlated)
		send(t, client, "first")
		receive(t, begun, "the first request at the worker")
		send(t, client, "second")
		close(open)
		expect(t, recv(t, client), "second")
		expect(t, ask(t, client, "third"), "third")
	})
}

// A REP throws away what has no empty frame, or nothing after it (rep.cpp, xrecv), so such a request has no answer. The connection and
// the workers go on.
func TestNoAnswerWithoutDelimiterAndBody(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(at.be(), echo)
		client := p.connect(zmq4.DEALER, at.fe())
		for i, bad := range [][]string{{"no delimiter"}, {"two", "frames"}, {""}, {"envelope", "nothing else", ""}} {
			for range 200 { // more than any worker's allowance: none of them may take up room
				send(t, client, bad)
			}
			good := []string{"", fmt.Sprint("good ", i)}
			expect(t, ask(t, client, good), good...)
		}
	})
}
