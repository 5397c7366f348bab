package conformance

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/proxy"
)

// hostile is what peers send that are broken, or something else, or mean harm. Each breaks ZMTP for good.
var hostile = map[string][]byte{
	"HTTP":                    []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	"TLS":                     append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, bytes.Repeat([]byte{7}, 500)...),
	"zeros":                   make([]byte, 5000),
	"ones":                    bytes.Repeat([]byte{0xff}, 5000),
	"ZMTP 2.0":                edit(greeting(0), 10, 1),
	"unknown mechanism":       edit(greeting(1), 12, 'X'),
	"no READY":                append(greeting(1), wire(0, "", "Hello")...),
	"READY without a type":    append(greeting(1), frame(command, []byte("\x05READY"))...),
	"READY cut short":         append(greeting(1), frame(command, []byte("\x05READY\x0bSocket-Type\x00\x00\x00\x09REQ"))...),
	"a PUB":                   append(greeting(1), ready("PUB")...),
	"a PULL":                  append(greeting(1), ready("PULL")...),
	"a socket type of no one": append(greeting(1), ready("HUB")...),
	"a READY of 2^62 bytes":   append(greeting(1), sized(command|long, 1<<62)...),
	"a frame of 2^63-1 bytes": append(shaken(), sized(long, math.MaxInt64)...),
	"a frame of 2^64-1 bytes": append(shaken(), sized(long, math.MaxUint64)...),
	"a command without name":  append(shaken(), frame(command, nil)...),
	"a name beyond its frame": append(shaken(), frame(command, []byte("\x09PING"))...),
}

func edit(b []byte, at int, v byte) []byte {
	b[at] = v
	return b
}

// shaken is a whole handshake, of a kind of socket that both ports take.
func shaken() []byte { return append(greeting(1), ready("DEALER")...) }

// sized is a long header that promises n bytes.
func sized(flags byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{flags}, n) }

// Whatever comes in at the frontend, others go on.
func TestHostileClients(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(at.be(), echo)
		client := p.connect(zmq4.REQ, at.fe())
		for name, bytes := range hostile {
			dial(t, at.fe()).write(bytes)
			expect(t, ask(t, client, name), name)
		}
		for range 50 { // half a greeting, half a message, and gone
			dial(t, at.fe()).leaveAfter(greeting(1)[:30])
			dial(t, at.fe()).leaveAfter(append(shaken(), wire(0, "", "Hello")[:5]...))
			dial(t, at.fe()).leaveAfter(nil)
		}
		expect(t, ask(t, client, "still", "there"), "still", "there")
	})
}

func (r *raw) leaveAfter(b []byte) {
	r.t.Helper()
	r.write(b)
	must(r.t, r.Close())
}

// Our engine closes the connection of a peer that breaks the rules, on both ports. (libzmq takes some of it for ZMTP 1.0, and a worker
// of that kind is dealt requests.)
func TestHostilePeersAreClosed(t *testing.T) {
	t.Parallel()
	o := start(t, setup{})
	p := newPeers(t)
	p.rep(o.be(), echo)
	client := p.connect(zmq4.REQ, o.fe())
	for name, bytes := range hostile {
		for _, port := range []string{o.fe(), o.be()} {
			r := dial(t, port)
			r.write(bytes)
			r.ended()
		}
		expect(t, ask(t, client, name), name)
	}
	if s := o.snapshot(); s.Counters.BadPeers != uint64(2*len(hostile)) {
		t.Errorf("%d bad peers counted, want %d", s.Counters.BadPeers, 2*len(hostile))
	}
}

// Each port takes the sockets that libzmq's would (mechanism.cpp, check_socket_type), and no other.
func TestSocketTypes(t *testing.T) {
	taken := map[string]struct{ client, worker bool }{
		"REQ": {true, false}, "REP": {false, true}, "DEALER": {true, true}, "ROUTER": {true, true},
		"PUB": {}, "SUB": {}, "XPUB": {}, "XSUB": {}, "PUSH": {}, "PULL": {}, "PAIR": {}, "STREAM": {},
	}
	each(t, func(t *testing.T, at ports) {
		for kind, by := range taken {
			for port, ok := range map[string]bool{at.fe(): by.client, at.be(): by.worker} {
				r := dial(t, port)
				r.write(greeting(1), ready(kind))
				if ok {
					r.greeted()
				} else {
					r.ended()
				}
			}
		}
	})
}

// A peer that does not end its handshake is closed when its time is over. One that has ended it may be silent for as long as it likes.
func TestSlowHandshakesAreClosed(t *testing.T) {
	t.Parallel()
	o := start(t, setup{our: proxy.Options{HandshakeTimeout: 1500 * time.Millisecond}})
	client, w := dialAs(t, o.fe(), "REQ", 1), dialAs(t, o.be(), "REP", 1)
	var slow []*raw
	for _, port := range []string{o.fe(), o.be()} {
		for _, begun := range [][]byte{nil, greeting(1)[:1], greeting(1)[:63], greeting(1), append(greeting(1), ready("DEALER")[:9]...)} {
			r := dial(t, port)
			r.write(begun)
			slow = append(slow, r)
		}
	}
	for _, r := range slow {
		r.ended()
	}
	client.write(wire(0, "", "Hello"))
	w.write(wire(0, texts(w.recv())...))
	expect(t, client.recv(), "", "Hello")
}

// A message may not be larger than the limit, all its frames together.
func TestMessageLimit(t *testing.T) {
	t.Parallel()
	o := start(t, setup{our: proxy.Options{MaxMessage: 100_000}})
	p := newPeers(t)
	p.rep(o.be(), echo)
	body := string(bytes.Repeat([]byte{'x'}, 49_900))
	for _, tooLarge := range [][]byte{
		sized(long, 100_001),
		append(wire(0, "", string(bytes.Repeat([]byte{'x'}, 99_000))), sized(long|more, 100_001)...),
		append(frame(more, nil), append(frame(more, []byte(body)), append(frame(more, []byte(body)), sized(long, 300)...)...)...),
		bytes.Repeat(frame(more, nil), 60_000),
	} {
		r := dialAs(t, o.fe(), "DEALER", 1)
		_, _ = r.Write(tooLarge) // it may be closed before all is written
		r.ended()
	}
	client := p.connect(zmq4.REQ, o.fe())
	expect(t, ask(t, client, body, body), body, body)
}
