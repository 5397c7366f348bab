package conformance

import (
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/errorreply"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// A reply counts once, for the request that its token names, at the worker that holds it. Everything else is dropped and counted.
func TestStrayReplies(t *testing.T) {
	t.Parallel()
	o := start(t, holding(2))
	p := newPeers(t)
	client := p.connect(zmq4.DEALER, o.fe())
	one, other := dialAs(t, o.be(), "REP", 1), dialAs(t, o.be(), "REP", 1)
	await.Until(t, "two workers", func() bool { return len(o.snapshot().Lanes) == 2 })
	left := flood(t, client, 4)
	await.Until(t, "all requests to be dealt", func() bool { return o.snapshot().Counters.Requests == 4 })
	mine, alsoMine, theirs := texts(one.recv()), texts(one.recv()), texts(other.recv())

	stale := []byte(alsoMine[0]) // as of another delivery of the same request: the token's first half counts deliveries
	stale[0]++
	one.write(
		wire(0, mine...), wire(0, mine...), // twice
		wire(0, theirs...),              // another worker's
		wire(0, string(stale), "", "x"), // nobody's
		wire(0, "short", "", "x"),       // not a token
		wire(0, "x"),                    // no envelope at all
		wire(0, make([]string, 300)...), // nothing but empty frames
		wire(0, alsoMine...),
	)
	other.write(wire(0, theirs...), wire(0, texts(other.recv())...))
	o.answered(client, left, 4)
	if s := o.snapshot(); s.Counters.UnknownToken != 6 || s.Counters.BadPeers != 0 {
		t.Errorf("%d replies of unknown token and %d bad peers, want 6 and 0", s.Counters.UnknownToken, s.Counters.BadPeers)
	}
}

// A reply whose token is right and whose envelope is not must not reach the client: a REQ's connection would end for good (req.cpp,
// push_msg). The request goes to a worker that knows better.
func TestRepliesInAnotherEnvelope(t *testing.T) {
	for name, broken := range map[string]func(m []string) []string{
		"no delimiter":        func(m []string) []string { return []string{m[0], m[1], "World"} },
		"no body":             func(m []string) []string { return m[:3] },
		"no envelope":         func(m []string) []string { return m[:1] },
		"another request id":  func(m []string) []string { return []string{m[0], "\x00\x00\x00\x00", "", "World"} },
		"an extra delimiter":  func(m []string) []string { return []string{m[0], "", m[1], "", "World"} },
		"an id cut short":     func(m []string) []string { return []string{m[0], m[1][:3], "", "World"} },
		"a delimiter of text": func(m []string) []string { return []string{m[0], m[1], " ", "World"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := start(t, setup{})
			p := newPeers(t)
			client := p.connect(zmq4.REQ, o.fe(), correlated)
			send(t, client, "Hello")
			w := dialAs(t, o.be(), "REP", 1)
			w.write(wire(0, broken(texts(w.recv()))...))
			w.ended()
			p.rep(o.be(), echo)
			expect(t, recv(t, client), "Hello")
			expect(t, ask(t, client, "again"), "again")
		})
	}
}

// A REP that has a request of a proxy that is gone answers it to the next one: libzmq keeps the reply for its next connection. That reply
// is nobody's, also when the new proxy has given the same worker a request that looks the same.
func TestReplyToTheProxyBefore(t *testing.T) {
	t.Parallel()
	asked := func(body string) (client, worker *raw, request []string) {
		o := start(t, setup{})
		client, worker = dialAs(t, o.fe(), "REQ", 1), dialAs(t, o.be(), "REP", 1)
		client.write(wire(0, "", body))
		return client, worker, texts(worker.recv())
	}
	_, _, before := asked("before")
	client, worker, now := asked("now")
	worker.write(wire(0, before...), wire(0, now...))
	expect(t, client.recv(), "", "now")
}

// A service's own error reply comes to a REQ as one frame, and the socket goes on working; to a DEALER in its own envelope.
func TestErrorReplyOfItsOwn(t *testing.T) {
	t.Parallel()
	template, err := errorreply.Parse(`{"error":"{code}","tries":{attempts},"at":"{service}"}`, "hello")
	must(t, err)
	o := start(t, setup{our: proxy.Options{ErrorReply: template, Dispatch: dispatch.Config{Attempts: 2}}})
	p := newPeers(t)
	req, dealer := p.connect(zmq4.REQ, o.fe()), p.connect(zmq4.DEALER, o.fe())
	send(t, req, "poison")
	send(t, dealer, "hop", "", "poison", "more")
	for range 4 {
		w := dialAs(t, o.be(), "REP", 1)
		w.recv()
		must(t, w.Close())
	}
	const want = `{"error":"UNAVAILABLE","tries":2,"at":"hello"}`
	expect(t, recv(t, req), want)
	expect(t, recv(t, dealer), "hop", "", want)
	p.rep(o.be(), echo)
	expect(t, ask(t, req, "good"), "good")
}
