package conformance

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
	"pgregory.net/rapid"

	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// Where no worker dies the two engines agree: the same script of clients and workers gives the same replies to the same clients, byte for
// byte. With one worker their order is the client's own; with several, each works at its own pace. That holds however short our queue is,
// whatever a worker may hold, and wherever the stream is cut.
func TestEnginesAgree(t *testing.T) {
	t.Parallel()
	wait := patience
	rapid.Check(t, func(t *rapid.T) {
		s := drawScript(t)
		cfg := dispatch.Config{
			Prefetch: rapid.SampledFrom([]int{0, 1, 7}).Draw(t, "prefetch"),
			Queue:    rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "queue"),
		}
		cut := rapid.SampledFrom([]int{0, 0, 509, 5000}).Draw(t, "cut")
		t.Logf("the script:\n%sours has %+v and reads %d bytes at a time, if that is not 0", s, cfg, cut)
		theirs := s.play(t, "libzmq", startReference(t, wildcard(nil)), &wait)
		mine := s.play(t, "zfleet", cutUp(t, startOn(t, wildcard(nil), proxy.Options{Dispatch: cfg}).ports, cut), &wait)
		if !slices.Equal(theirs, mine) {
			t.Fatalf("libzmq's replies:\n%s\nours:\n%s", strings.Join(theirs, "\n"), strings.Join(mine, "\n"))
		}
	})
}

// cutUp puts relays before an engine, so that it gets its bytes in small pieces.
func cutUp(t tester, at ports, cut int) ports {
	if cut == 0 {
		return at
	}
	return ports{[]string{relayTo(t, at.fe(), cut).endpoint}, []string{relayTo(t, at.be(), cut).endpoint}}
}

// stage is a script that is played: each line of what comes of it names a client and a reply.
type stage struct {
	t       tester
	engine  string
	script  script
	at      ports
	wait    *time.Duration // for a reply; short once one was missed, so that rapid makes a failing script smaller in good time
	peers   *peers
	clients []*zmq4.Socket
	waiting []int // replies that each client waits for
	workers []*worker
	seen    []*[]string // bodies that each worker got, to be read when it has left
	lines   []string

	owed map[int][]string // bodies that each client has sent
	must map[string]int   // how often a body must get to a worker
	may  map[string]int   // how often more it may, because whoever sent it has left or has asked again
}

// play plays a script on an engine. At the end every client that is still there takes its replies, and one more to see that nothing else
// came.
func (s script) play(t tester, engine string, at ports, wait *time.Duration) (lines []string) {
	g := &stage{
		t: t, engine: engine, script: s, at: at, wait: wait, peers: newPeers(t),
		clients: make([]*zmq4.Socket, len(s.kinds)), waiting: make([]int, len(s.kinds)),
		owed: map[int][]string{}, must: map[string]int{}, may: map[string]int{},
	}
	for _, st := range s.steps {
		g.do(st)
	}
	if len(g.workers) == 0 {
		g.join()
	}
	for c := range g.clients {
		g.take(c)
		g.nothingElse(c)
	}
	g.delivered()
	return g.lines
}

func (g *stage) do(st step) {
	switch st.verb {
	case verbJoin:
		if len(g.workers) < 3 {
			g.join()
		}
	case verbSend:
		g.send(st)
	case verbTake:
		if len(g.workers) > 0 {
			g.take(st.client)
		}
	case verbLeave:
		g.leave(st.client)
	}
}

func (g *stage) join() {
	seen := new([]string)
	g.seen = append(g.seen, seen)
	g.workers = append(g.workers, g.peers.rep(g.at.be(), func(m [][]byte) [][]byte {
		*seen = append(*seen, digest(m))
		return answer(m)
	}))
}

// send sends a client's request. A REQ that waits for its reply takes that first, and does nothing when it cannot come; a relaxed one
// forgets it.
func (g *stage) send(st step) {
	c, kind := st.client, g.script.kinds[st.client]
	if g.clients[c] == nil {
		g.clients[c] = g.peers.connect(kind.socket, g.at.fe(), kind.opts...)
	}
	if kind.socket == zmq4.REQ && g.waiting[c] > 0 {
		switch {
		case kind.relaxed:
			g.forget(c)
		case len(g.workers) == 0:
			return
		default:
			g.take(c)
		}
	}
	body := materialize(st.body)
	if kind.socket == zmq4.DEALER {
		if st.broken {
			send(g.t, g.clients[c], broken(st))
			return
		}
		send(g.t, g.clients[c], materialize(st.envelope), "", body)
		g.waiting[c]++
	} else {
		send(g.t, g.clients[c], body)
		g.waiting[c] = 1
	}
	g.owe(c, digest(body))
}

// broken is a request that a REP throws away: it has no empty frame, or nothing behind that.
func broken(st step) [][]byte {
	message := append(materialize(st.envelope), []byte("broken"))
	if st.body[0].size == 0 {
		message = append(message, nil)
	}
	return message
}

func (g *stage) recv(c int) [][]byte {
	must(g.t, g.clients[c].SetRcvtimeo(*g.wait))
	reply, err := g.clients[c].RecvMessageBytes(0)
	if err != nil {
		*g.wait = time.Second
		g.t.Fatalf("%s: client %d waits for a reply: %v", g.engine, c, err)
	}
	return reply
}

func (g *stage) take(c int) {
	var replies []string
	for ; g.waiting[c] > 0; g.waiting[c]-- {
		replies = append(replies, fmt.Sprintf("client %d: %s", c, digest(g.recv(c))))
	}
	if len(g.workers) > 1 {
		slices.Sort(replies)
	}
	g.lines = append(g.lines, replies...)
}

// leave closes a client's socket; what it has under way may or may not have been sent, and read.
func (g *stage) leave(c int) {
	if g.clients[c] == nil {
		return
	}
	_ = g.clients[c].Close() // and once more, which does nothing, at the end
	g.clients[c], g.waiting[c] = nil, 0
	g.forget(c)
}

// owe notes that a worker must get a body.
func (g *stage) owe(c int, body string) {
	g.must[body]++
	g.owed[c] = append(g.owed[c], body)
}

// forget notes that nobody waits any more for what a client has sent.
func (g *stage) forget(c int) {
	for _, body := range g.owed[c] {
		g.must[body]--
		g.may[body]++
	}
	delete(g.owed, c)
}

// nothingElse shows that a client has no reply left: the next one is that to its next request.
func (g *stage) nothingElse(c int) {
	soc := g.clients[c]
	if soc == nil {
		return
	}
	last := frames(fmt.Sprintf("the last of client %d", c))
	g.owe(c, digest(last))
	if g.script.kinds[c].socket == zmq4.DEALER {
		send(g.t, soc, "", last)
		expect(g.t, g.recv(c)[1:], string(answer(last)[0]))
		return
	}
	send(g.t, soc, last)
	expect(g.t, g.recv(c)[:1], string(answer(last)[0]))
}

// delivered shows that every request went to one worker, once, as it was sent.
func (g *stage) delivered() {
	for i, w := range g.workers {
		w.leave()
		for _, body := range *g.seen[i] {
			if g.must[body] > 0 {
				g.must[body]--
			} else {
				g.may[body]--
			}
			if g.may[body] < 0 {
				g.t.Fatalf("%s: a worker got %s, which was not sent, or not so often", g.engine, body)
			}
		}
	}
	for body, n := range g.must {
		if n > 0 {
			g.t.Fatalf("%s: no worker got %s", g.engine, body)
		}
	}
}

// digest tells messages apart and is short.
func digest(message [][]byte) string {
	sum := sha256.New()
	sizes := make([]int, len(message))
	for i, f := range message {
		sizes[i] = len(f)
		fmt.Fprintf(sum, "%d:", len(f))
		sum.Write(f)
	}
	return fmt.Sprintf("%d (%x)", sizes, sum.Sum(nil)[:8])
}
