package proxy

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

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
		"oversize command": {s.frontend, [][]byte{greeting("NULL"), ready("REQ"), {6, 0, 0, 0, 0, 0, 1, 0, 1}}},
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

// So many frames would cost a REP of libzmq far more memory than they have bytes.
func TestTooManyFrames(t *testing.T) {
	s := serve(t, Options{})
	p := join(t, s.frontend, "DEALER")
	_, _ = p.Write(bytes.Repeat([]byte{1, 0}, maxFrames)) // the proxy may hang up before all is sent
	p.closed()
	if c := s.snapshot(t).Counters; c.BadPeers != 1 || c.Requests != 0 {
		t.Errorf("counters %+v", c)
	}
}

// A command amidst a message has to be cut out of it. Thousands of them would cost more than reading them.
func TestCommandsInsideOfAMessage(t *testing.T) {
	s := serve(t, Options{})
	some, many := join(t, s.frontend, "DEALER"), join(t, s.frontend, "DEALER")
	begun := append([]byte{1, 0}, zmtp.AppendFrame(nil, true, make([]byte, 32_000))...)
	other := command("X", nil)
	some.send(begun, bytes.Repeat(other, 10), wire("end"))
	s.until(t, "a message with some of them", func(s control.Snapshot) bool { return s.Counters.Requests == 1 })
	for range 5 { // whatever a read takes of it
		_, _ = many.Write(append(begun, bytes.Repeat(other, 7000)...)) // the proxy may hang up before all is sent
	}
	many.closed()
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
