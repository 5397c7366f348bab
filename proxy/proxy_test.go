package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
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

func TestPing(t *testing.T) {
	s := serve(t, Options{})
	p := join(t, s.backend, "REP")
	p.send(command("PING", []byte{0, 0, 'a', 'b'}), command("SOMETHING", nil), command("PING", []byte{0, 0}))
	for range 2 {
		if _, name := p.next(); name != "PONG" {
			t.Errorf("got %q instead of PONG", name)
		}
	}
}

func TestRefused(t *testing.T) {
	s := serve(t, Options{Secret: "secret", MaxMessage: 1000})
	plain := func(password string) []byte {
		return command("HELLO", append(append([]byte{5}, "hello"...), append([]byte{byte(len(password))}, password...)...))
	}
	for name, c := range map[string]struct {
		address string
		bytes   [][]byte
	}{
		"garbage":          {s.frontend, [][]byte{[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n0123456789012345678901234567890123456789")}},
		"wrong type":       {s.backend, [][]byte{greeting("NULL"), ready("PUB")}},
		"wrong password":   {s.backend, [][]byte{greeting("PLAIN"), plain("guess")}},
		"oversize message": {s.frontend, [][]byte{greeting("NULL"), ready("REQ"), wire("", strings.Repeat("x", 1000))}},
		"oversize claim":   {s.frontend, [][]byte{greeting("NULL"), ready("REQ"), {2, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}},
		"reserved flags":   {s.frontend, [][]byte{greeting("NULL"), ready("REQ"), {0x88, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.snapshot(t).Counters.BadPeers
			p := dial(t, c.address)
			_, _ = p.Write(slices.Concat(c.bytes...)) // the proxy may hang up before all is sent
			p.closed()
			s.until(t, "the peer to be counted", func(s control.Snapshot) bool { return s.Counters.BadPeers == before+1 })
		})
	}
}

// The frontend asks nobody who they are: clients that are set up for PLAIN connect as they are.
func TestPlainClient(t *testing.T) {
	s := serve(t, Options{})
	p := dial(t, s.frontend)
	p.send(greeting("PLAIN"), command("HELLO", []byte("\x04user\x04pass")))
	p.skip(64)
	if _, name := p.next(); name != "WELCOME" {
		t.Fatalf("got %q instead of WELCOME", name)
	}
	p.send(command("INITIATE", property("Socket-Type", "REQ")))
	if _, name := p.next(); name != "READY" {
		t.Fatalf("got %q instead of READY", name)
	}
}

func TestHandshakeTakesTooLong(t *testing.T) {
	s := serve(t, Options{HandshakeTimeout: 50 * time.Millisecond})
	silent, slow := dial(t, s.frontend), dial(t, s.backend)
	slow.send(greeting("NULL")[:20])
	silent.closed()
	slow.closed()
	if c := s.snapshot(t).Counters; c.BadPeers != 2 {
		t.Errorf("counters %+v", c)
	}
}

// A client that asks and does not read is not read from any more, and dropped when its unread replies are too many.
func TestClientThatDoesNotRead(t *testing.T) {
	s := serve(t, Options{ClientBuffer: 1 << 20})
	lazy, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "DEALER")
	go func() {
		for body := strings.Repeat("x", 1<<10); ; {
			if _, err := lazy.Write(wire("", body)); err != nil {
				return
			}
		}
	}()
	answered := make(chan struct{})
	go func() { // each request is answered with far more than was asked
		defer close(answered)
		for body := strings.Repeat("y", 1<<20); s.open(t); {
			item, err := worker.scan.Next(worker.held)
			if err != nil || item.Kind == zmtp.None {
				b := make([]byte, 1<<16)
				n, err := worker.Read(b)
				if err != nil {
					return
				}
				worker.held = append(worker.held, b[:n]...)
				continue
			}
			got := worker.recv()
			if _, err := worker.Write(wire(got[0], "", body)); err != nil {
				return
			}
		}
	}()
	s.until(t, "the client to be dropped", func(s control.Snapshot) bool { return s.Counters.SlowClients == 1 && s.Clients == 0 })
	_ = worker.Close()
	<-answered
}

// open says whether the slow client has not been dropped yet.
func (s *served) open(t *testing.T) bool { return s.snapshot(t).Counters.SlowClients == 0 }

// A full queue stops the flood at its socket, and lets a lone client through.
func TestQueueFull(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Queue: 100, Prefetch: 1}})
	flood, lone := join(t, s.frontend, "DEALER"), join(t, s.frontend, "REQ")
	const sent = 10_000
	pad := strings.Repeat(".", 1<<10) // so that all of them are far more than the sockets hold
	go func() {
		for i := range sent {
			if _, err := flood.Write(wire("", fmt.Sprint(i), pad)); err != nil {
				return
			}
		}
	}()
	s.until(t, "the queue to fill", func(s control.Snapshot) bool { return s.Queued >= 100 })
	lone.send(wire("", "lone"))
	worker := join(t, s.backend, "REP")
	served := 0
	for body := ""; body != "lone"; served++ {
		body = worker.echo()[2]
	}
	if served > 3 {
		t.Errorf("the lone client was served after %d others", served-1)
	}
	if snap := s.snapshot(t); snap.Queued > 100+1 || snap.Counters.Requests == sent {
		t.Errorf("%d of %d requests were read, %d wait", snap.Counters.Requests, sent, snap.Queued)
	}
	go func() {
		for served < sent+1 {
			worker.echo()
			served++
		}
	}()
	for i := range sent {
		if got := flood.recv(); got[1] != fmt.Sprint(i) {
			t.Fatalf("reply %d is %q", i, got)
		}
	}
}

func TestClientLeaves(t *testing.T) {
	s := serve(t, Options{Dispatch: dispatch.Config{Prefetch: 1}})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "running"), wire("", "waiting"))
	running := worker.recv()
	s.until(t, "one to wait", func(s control.Snapshot) bool { return s.Queued == 1 })
	_ = client.Close()
	s.until(t, "the waiting one to go", func(s control.Snapshot) bool { return s.Queued == 0 && s.Clients == 0 })
	worker.send(wire(running...))
	s.until(t, "the running one to go", func(s control.Snapshot) bool { return s.Inflight == 0 })
	if c := s.snapshot(t).Counters; c.Abandoned != 2 || c.Replies != 0 {
		t.Errorf("counters %+v", c)
	}
}

// Run answers what it has when its context ends, and takes no more.
func TestRunEndsWhenAllIsAnswered(t *testing.T) {
	s := serve(t, Options{Grace: patience})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "before"))
	got := worker.recv()
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	waitFor(t, "new connections to be refused or left alone", func() bool { return s.quiet(t) })
	client.send(wire("", "after"))
	worker.send(wire(got...))
	if got := client.recv(); got[1] != "before" {
		t.Errorf("the client got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	client.closed()
}

// quiet says whether the proxy has stopped reading: a fresh handshake on the frontend gets no answer any more.
func (s *served) quiet(t *testing.T) bool {
	p := dial(t, s.frontend)
	defer func() { _ = p.Close() }()
	_ = p.SetDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := p.Read(make([]byte, 1))
	return err != nil
}

// What is left when the time is up is answered with an error.
func TestRunGivesUp(t *testing.T) {
	s := serve(t, Options{Grace: 50 * time.Millisecond, Dispatch: dispatch.Config{Prefetch: 1}})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "running"), wire("", "waiting"))
	worker.recv()
	s.until(t, "one to wait", func(s control.Snapshot) bool { return s.Queued == 1 })
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if got := client.recv(); !strings.Contains(got[1], "shutting down") {
			t.Errorf("the client got %q", got)
		}
	}
}

func TestDrain(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.until(t, "the lane", func(s control.Snapshot) bool { return len(s.Lanes) == 1 })
	if err := s.Name(t.Context(), s.snapshot(t).Lanes[0].ID, "hello/0#1"); err != nil {
		t.Fatal(err)
	}
	client.send(wire("", "one"))
	got := worker.recv()
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(t.Context(), "hello/0#1") }()
	s.until(t, "the lane to drain", func(s control.Snapshot) bool { return s.Lanes[0].Draining })
	client.send(wire("", "two"))
	s.until(t, "the second to wait", func(s control.Snapshot) bool { return s.Queued == 1 })
	select {
	case err := <-drained:
		t.Fatalf("drained with a request outstanding: %v", err)
	default:
	}
	worker.send(wire(got...))
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if err := s.Drain(t.Context(), "hello/9#1"); err != nil {
		t.Errorf("a worker without lanes is not drained: %v", err)
	}
	if err := s.Drain(t.Context(), ""); err == nil {
		t.Error("drained a worker without name")
	}
	if snap := s.snapshot(t); snap.Queued != 1 || snap.Lanes[0].Worker != "hello/0#1" || snap.Lanes[0].Answered != 1 {
		t.Errorf("snapshot %+v", snap)
	}
}

func TestNameOfNoLane(t *testing.T) {
	s := serve(t, Options{})
	if err := s.Name(t.Context(), 7, "hello/0#1"); err == nil || !strings.Contains(err.Error(), "no such lane") {
		t.Errorf("Name: %v", err)
	}
}

func TestQuiesce(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	client.send(wire("", "before"))
	got := worker.recv()
	quiesced := make(chan error, 1)
	go func() { quiesced <- s.Quiesce(t.Context()) }()
	waitFor(t, "the frontend to be quiet", func() bool { return s.quiet(t) })
	select {
	case err := <-quiesced:
		t.Fatalf("quiesced with a request outstanding: %v", err)
	default:
	}
	worker.send(wire(got...))
	client.recv()
	if err := <-quiesced; err != nil {
		t.Error(err)
	}
}

func TestEvents(t *testing.T) {
	s := serve(t, Options{})
	early := join(t, s.backend, "REP")
	s.until(t, "the first lane's pid", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Pid != 0 })
	ctx, cancel := context.WithCancel(t.Context())
	events, ended := make(chan control.Event), make(chan error, 1)
	go func() { ended <- s.Events(ctx, func(e control.Event) { events <- e }) }()
	if e := <-events; e.Kind != control.LaneUp || e.Lane.Peer != early.LocalAddr().String() {
		t.Errorf("first event %+v", e)
	}
	late := join(t, s.backend, "REP")
	if e := <-events; e.Kind != control.LaneUp || e.Lane.Peer != late.LocalAddr().String() || e.Lane.Pid == 0 {
		t.Errorf("second event %+v", e)
	}
	_ = early.Close()
	if e := <-events; e.Kind != control.LaneDown || e.Lane.Peer != early.LocalAddr().String() || e.Reason == "" {
		t.Errorf("third event %+v", e)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("Events ended without an error")
	}
}

// A worker gives its name as PLAIN username and the fleet's secret as password.
func TestNamedWorker(t *testing.T) {
	s := serve(t, Options{Secret: "secret"})
	p := dial(t, s.backend)
	hello := slices.Concat([]byte{9}, []byte("hello/0#1"), []byte{6}, []byte("secret"))
	p.send(greeting("PLAIN"), command("HELLO", hello))
	p.skip(64)
	if _, name := p.next(); name != "WELCOME" {
		t.Fatalf("got %q instead of WELCOME", name)
	}
	p.send(command("INITIATE", property("Socket-Type", "REP")))
	if _, name := p.next(); name != "READY" {
		t.Fatalf("got %q instead of READY", name)
	}
	s.until(t, "the lane's name", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Worker == "hello/0#1" })
}
