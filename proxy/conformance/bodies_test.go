package conformance

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"
	"pgregory.net/rapid"
)

// A body comes back as it went, whatever its frames: sizes at both ends of the short and the long frame (RFC 37), of the usual buffers
// and of what is too much to copy lightly.
func TestBodies(t *testing.T) {
	sized := func(n int) [][]byte { return [][]byte{bytes.Repeat([]byte{'z'}, n)} }
	bodies := map[string][][]byte{
		"one empty frame":       frames(""),
		"two empty frames":      frames("", ""),
		"text":                  frames("Hello"),
		"three frames":          frames("a", "bc", "def"),
		"empty frame first":     frames("", "a"),
		"empty frame between":   frames("a", "", "b"),
		"empty frame last":      frames("a", ""),
		"looks like a frame":    frames("\x01\x00", "\x04\x05READY", "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f"),
		"1000 frames":           frames(strings.Split(strings.Repeat("frame,", 999)+"last", ",")...),
		"1000 empty frames":     frames(make([]string, 1000)...),
		"large and small mixed": {bytes.Repeat([]byte{1}, 300_000), {2}, {}, bytes.Repeat([]byte{3}, 70_000), {4}},
		"1":                     sized(1), "254": sized(254), "255": sized(255), "256": sized(256),
		"8191": sized(8191), "8192": sized(8192), "8193": sized(8193),
		"65535": sized(65535), "65536": sized(65536), "1 MiB": sized(1 << 20), "8 MiB": sized(8 << 20),
	}
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(at.be(), echo)
		client := p.connect(zmq4.REQ, at.fe())
		for name, body := range bodies {
			if got := ask(t, client, body); !equal(got, body) {
				t.Errorf("%s: got %s, want %s", name, show(got), show(body))
			}
		}
	})
}

// The request reaches the worker as it was sent: an echo alone would not show a body that is changed twice.
func TestWorkerSeesTheBody(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		seen := make(chan [][]byte, 1)
		p.rep(at.be(), func(m [][]byte) [][]byte {
			seen <- m
			return frames("", "answer", "")
		})
		client := p.connect(zmq4.REQ, at.fe())
		expect(t, ask(t, client, "", "question", ""), "", "answer", "")
		expect(t, <-seen, "", "question", "")
	})
}

// Random bodies, as many as fit in a second or so.
func TestAnyBody(t *testing.T) {
	size := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(250, 260), rapid.IntRange(0, 70_000))
	each(t, func(t *testing.T, at ports) {
		p := newPeers(t)
		p.rep(at.be(), echo)
		client := p.connect(zmq4.REQ, at.fe())
		rapid.Check(t, func(rt *rapid.T) {
			body := make([][]byte, rapid.IntRange(1, 9).Draw(rt, "frames"))
			for i := range body {
				body[i] = bytes.Repeat([]byte{rapid.Byte().Draw(rt, "fill")}, size.Draw(rt, "size"))
			}
			if got := ask(t, client, body); !equal(got, body) {
				rt.Fatalf("got %s, want %s", show(got), show(body))
			}
		})
	})
}
