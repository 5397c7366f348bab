package proxy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// echo answers the next request of a raw worker with the same body.

func (p *rawPeer) echo() []string {
	p.t.Helper()
	frames := p.recv()
	p.send(wire(frames...))
	return frames
}

func TestRequestAndReply(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	client.send(wire("", "hello", "", "again"))
	got := worker.echo()
	if len(got[0]) != 8 || !slices.Equal(got[1:], []string{"", "hello", "", "again"}) {
		t.Errorf("the worker got %q", got)
	}
	if got := client.recv(); !slices.Equal(got, []string{"", "hello", "", "again"}) {
		t.Errorf("the client got %q", got)
	}
	if c := s.snapshot(t).Counters; c.Requests != 1 || c.Replies != 1 {
		t.Errorf("counters %+v", c)
	}
}

// A reply that was read before the worker's end is given out; what it held unanswered goes to another worker, with the same envelope.

func TestWorkerLost(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Prefetch: 2}})
	client, first := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "one"), wire("", "two"))
	one, two := first.recv(), first.recv()
	first.send(wire(one...))
	_ = first.Close()
	if got := client.recv(); got[1] != "one" {
		t.Errorf("the client got %q", got)
	}
	second := join(t, s.backend, "REP")
	if got := second.echo(); got[0] == two[0] || !slices.Equal(got[1:], two[1:]) {
		t.Errorf("redelivered as %q, before that %q", got, two)
	}
	if got := client.recv(); got[1] != "two" {
		t.Errorf("the client got %q", got)
	}
	if c := s.snapshot(t).Counters; c.Redelivered != 1 || c.Replies != 2 {
		t.Errorf("counters %+v", c)
	}
}

func TestAttemptsUsedUp(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Attempts: 2}})
	client := join(t, s.frontend, "DEALER")
	client.send(wire("hop", "", "poison"))
	for range 2 {
		worker := join(t, s.backend, "REP")
		worker.recv()
		_ = worker.Close()
	}
	got := client.recv()
	var reply struct {
		Zfleet struct {
			Code     string
			Attempts int
		}
	}
	if err := json.Unmarshal([]byte(got[2]), &reply); err != nil || !slices.Equal(got[:2], []string{"hop", ""}) {
		t.Fatalf("the client got %q: %v", got, err)
	}
	if reply.Zfleet.Code != "UNAVAILABLE" || reply.Zfleet.Attempts != 2 {
		t.Errorf("the client got %q", got)
	}
}

// What a worker that lies sends back never reaches a client.

func TestLyingWorkers(t *testing.T) {
	s := serve(t, Options{})
	client, liar := join(t, s.frontend, "REQ"), join(t, s.backend, "DEALER")
	client.send(wire("", "hello"))
	got := liar.recv()
	liar.send(wire("bad token", "", "lie"), wire("", "lie"), wire("lie"))
	s.until(t, "unknown tokens", func(s control.Snapshot) bool { return s.Counters.UnknownToken == 3 })
	liar.send(wire(got[0], "another", "", "lie"))
	liar.closed()

	honest := join(t, s.backend, "REP")
	token := honest.echo()[0]
	honest.send(wire(token, "", "again"))
	if got := client.recv(); got[1] != "hello" {
		t.Errorf("the client got %q", got)
	}
	s.until(t, "the repeated reply", func(s control.Snapshot) bool { return s.Counters.UnknownToken == 4 })
	if c := s.snapshot(t).Counters; c.BadPeers != 1 || c.Replies != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestWithoutDelimiter(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("no", "delimiter"), wire("ends empty", ""), wire("", "good"))
	worker.echo()
	if got := client.recv(); got[1] != "good" {
		t.Errorf("the client got %q", got)
	}
	if c := s.snapshot(t).Counters; c.NoEnvelope != 2 {
		t.Errorf("counters %+v", c)
	}
}

// Large messages travel in buffers of their own, also when they come in pieces, with a command amidst them, or several frames long.

func TestLargeMessages(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	for _, size := range []int{ownBuffer - 20, ownBuffer, scratchSize, scratchSize + 1, 1 << 20, trust + 1, 9 << 20} {
		body := strings.Repeat("x", size-1) + "."
		client.sendBeside(wire("", body, "tail", body))
		worker.echo()
		if got := client.recv(); !slices.Equal(got, []string{"", body, "tail", body}) {
			t.Fatalf("a message of twice %d bytes came back wrong", size)
		}
	}
	body := strings.Repeat("y", 1<<20)
	message := wire("", body, body)
	at := 2 + 9 + len(body) // between the two large frames
	client.sendBeside(message[:at], command("PING", []byte{0, 0, 'c'}), message[at:at+100], message[at+100:])
	worker.echo()
	if _, name := client.next(); name != "PONG" {
		t.Errorf("got %q instead of PONG", name)
	}
	if got := client.recv(); !slices.Equal(got, []string{"", body, body}) {
		t.Error("the message around a PING came back wrong")
	}
}
