package conformance

import (
	"encoding/json"
	"fmt"
	"net"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// holding is an engine that gives a worker n requests at once, and tries a request often enough for any of these tests.
func holding(n int) setup {
	return setup{our: proxy.Options{Dispatch: dispatch.Config{Prefetch: n, Attempts: 100}}}
}

// flood sends n numbered requests from one DEALER client. The list that it returns is what take crosses off.
func flood(t *testing.T, client *zmq4.Socket, n int) (left map[string]bool) {
	t.Helper()
	left = make(map[string]bool, n)
	for i := range n {
		send(t, client, "", fmt.Sprint(i))
		left[fmt.Sprint(i)] = true
	}
	return left
}

// answered takes all replies that are still to come, and makes sure that no more can: the engine has given out exactly n and has no
// request left that could bring another.
func (o *ours) answered(client *zmq4.Socket, left map[string]bool, n uint64) {
	o.t.Helper()
	for len(left) > 0 {
		take(o.t, left, recv(o.t, client))
	}
	o.quiet(n)
}

// quiet waits until the engine has no request, and expects it to have given n replies since it began.
func (o *ours) quiet(n uint64) {
	o.t.Helper()
	await.Until(o.t, "every request to be settled", func() bool { s := o.snapshot(); return s.Queued+s.Inflight == 0 })
	if s := o.snapshot(); s.Counters.Replies != n {
		o.t.Errorf("%d replies given, want %d: %+v", s.Counters.Replies, n, s.Counters)
	}
}

// What a worker held when its connection ended goes to another worker. How it ended does not matter.
func TestWorkerLeavesHoldingRequests(t *testing.T) {
	for name, end := range map[string]func(*raw){
		"FIN":                func(r *raw) { must(r.t, r.Close()) },
		"RST":                func(r *raw) { must(r.t, r.Conn.(*net.TCPConn).SetLinger(0)); must(r.t, r.Close()) },
		"half a reply":       func(r *raw) { r.leaveAfter(wire(0, "12345678", "", "Hello")[:14]) },
		"garbage":            func(r *raw) { r.write(sized(long, 1<<63)); r.ended() },
		"half closed":        func(r *raw) { must(r.t, r.Conn.(*net.TCPConn).CloseWrite()) },
		"an ERROR":           func(r *raw) { r.write(frame(command, []byte("\x05ERROR\x03bye"))); r.ended() },
		"a broken envelope":  func(r *raw) { r.write(wire(0, "12345678", "Hello")); must(r.t, r.Close()) },
		"a command too long": func(r *raw) { r.write(frame(command, []byte("\xffPING"))); r.ended() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := start(t, holding(5))
			p := newPeers(t)
			client := p.connect(zmq4.DEALER, o.fe())
			w := dialAs(t, o.be(), "REP", 1)
			left := flood(t, client, 20)
			for range 5 {
				w.recv()
			}
			end(w)
			p.rep(o.be(), echo)
			o.answered(client, left, 20)
			if s := o.snapshot(); s.Counters.Redelivered != 5 {
				t.Errorf("%d requests redelivered, want 5", s.Counters.Redelivered)
			}
		})
	}
}

// Replies that a worker had sent before it died count: they were read by the kernel, whatever came after.
func TestWorkerAnswersAndDies(t *testing.T) {
	t.Parallel()
	o := start(t, holding(5))
	p := newPeers(t)
	client := p.connect(zmq4.DEALER, o.fe())
	for round := range 20 {
		w := dialAs(t, o.be(), "REP", 1)
		left := flood(t, client, 5)
		var replies []byte
		for i := range 5 {
			if m := w.recv(); i < 3 {
				replies = append(replies, wire(0, texts(m)...)...)
			}
		}
		w.leaveAfter(replies)
		rest := p.rep(o.be(), echo)
		o.answered(client, left, uint64(5*(round+1)))
		rest.leave()
		await.Until(t, "no worker", func() bool { return len(o.snapshot().Lanes) == 0 })
	}
	if s := o.snapshot(); s.Counters.Redelivered != 2*20 {
		t.Errorf("%d requests redelivered, want the two unanswered of each of 20 rounds", s.Counters.Redelivered)
	}
}

// Real REP processes are killed with -9 while they work, again and again, the last one too.
func TestKill9(t *testing.T) {
	t.Parallel()
	o := start(t, holding(0))
	client := newPeers(t).connect(zmq4.DEALER, o.fe())
	workers := []*process{spawn(t, o.be()), spawn(t, o.be())}
	const n, outstanding, kills = 10_000, 500, 6
	left, sent, killed := map[string]bool{}, 0, 0
	for sent < n || killed < kills || len(left) > 0 {
		for ; len(left) < outstanding && (sent < n || killed < kills); sent++ {
			left[fmt.Sprint(sent)] = true
			send(t, client, "", fmt.Sprint(sent))
		}
		take(t, left, recv(t, client))
		if victim := &workers[killed%len(workers)]; killed < kills && sent-len(left) > killed*n/kills && (*victim).works() {
			(*victim).kill()
			*victim = spawn(t, o.be())
			killed++
		}
	}
	o.quiet(uint64(sent))
	if s := o.snapshot(); s.Counters.Redelivered == 0 {
		t.Error("nothing was redelivered: the workers were killed idle, and this showed nothing")
	}
}

// A request that ends every worker it meets is answered with an error after so many attempts, in the client's own envelope; the client
// and its neighbours go on.
func TestAttemptsUsedUp(t *testing.T) {
	t.Parallel()
	o := start(t, setup{our: proxy.Options{Dispatch: dispatch.Config{Attempts: 3}}})
	p := newPeers(t)
	req, dealer := p.connect(zmq4.REQ, o.fe(), correlated), p.connect(zmq4.DEALER, o.fe())
	send(t, req, "poison")
	for range 3 {
		w := dialAs(t, o.be(), "REP", 1)
		w.recv()
		must(t, w.Close())
	}
	expectUnavailable(t, recv(t, req), 3)

	send(t, dealer, "hop", "hop", "", "poison", "", "more")
	for range 3 {
		w := dialAs(t, o.be(), "REP", 1)
		w.recv()
		must(t, w.Close())
	}
	reply := recv(t, dealer)
	expect(t, reply[:3], "hop", "hop", "")
	expectUnavailable(t, reply[3:], 3)

	p.rep(o.be(), echo)
	expect(t, ask(t, req, "good"), "good")
	expect(t, ask(t, dealer, "", "good"), "", "good")
	if s := o.snapshot(); s.Counters.Failed != 2 || s.Counters.Redelivered != 4 {
		t.Errorf("%d failed and %d redelivered, want 2 and 4", s.Counters.Failed, s.Counters.Redelivered)
	}
}

func expectUnavailable(t *testing.T, body [][]byte, attempts int) {
	t.Helper()
	var reply struct {
		Zfleet struct {
			Code, Message string
			Attempts      int
		}
	}
	if len(body) != 1 || json.Unmarshal(body[0], &reply) != nil {
		t.Fatalf("got %s, want one frame of JSON", show(body))
	}
	if e := reply.Zfleet; e.Code != "UNAVAILABLE" || e.Message == "" || e.Attempts != attempts {
		t.Errorf("got %s, want code UNAVAILABLE, a message and %d attempts", body[0], attempts)
	}
}

// The innocent who wait behind a poison request at the same workers are not charged for it: a REP handles one at a time, the oldest.
func TestOnlyTheOldestIsCharged(t *testing.T) {
	t.Parallel()
	o := start(t, setup{our: proxy.Options{Dispatch: dispatch.Config{Prefetch: 4, Attempts: 2}}})
	p := newPeers(t)
	client := p.connect(zmq4.DEALER, o.fe())
	left := flood(t, client, 4)
	for range 2 {
		w := dialAs(t, o.be(), "REP", 1)
		for range 4 {
			w.recv()
		}
		must(t, w.Close())
	}
	reply := recv(t, client)
	expectUnavailable(t, reply[1:], 2)
	delete(left, "0")
	p.rep(o.be(), echo)
	o.answered(client, left, 4)
}
