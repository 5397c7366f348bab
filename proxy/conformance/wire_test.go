package conformance

import (
	"strings"
	"testing"

	"github.com/pebbe/zmq4"
)

// All that ZMTP allows has to work, also what libzmq never does itself.
func TestWire(t *testing.T) {
	hello := wire(0, "", "Hello")
	tests := map[string]func(r *raw){
		"3.1 peer": func(r *raw) {
			r.write(greeting(1), ready("REQ"))
			r.greeted()
			r.write(hello)
			expect(r.t, r.recv(), "", "Hello")
		},
		"3.0 peer": func(r *raw) {
			r.write(greeting(0), ready("DEALER"))
			r.greeted()
			r.write(hello)
			expect(r.t, r.recv(), "", "Hello")
		},
		"greeting in the pieces of libzmq 4": func(r *raw) {
			g := greeting(0)
			for _, cut := range [][2]int{{0, 10}, {10, 11}, {11, 64}} {
				r.write(g[cut[0]:cut[1]])
			}
			r.write(ready("REQ"))
			r.greeted()
			r.write(hello)
			expect(r.t, r.recv(), "", "Hello")
		},
		"byte by byte": func(r *raw) {
			bytewise(r, append(greeting(1), ready("REQ")...))
			r.greeted()
			bytewise(r, hello)
			expect(r.t, r.recv(), "", "Hello")
		},
		"PING": func(r *raw) {
			r.write(greeting(1), ready("REQ"))
			r.greeted()
			for _, context := range []string{"", "c", "0123456789abcdef"} {
				r.write(frame(command, []byte("\x04PING\x00\x0a"+context)))
				flags, body := r.frame()
				if flags != command || string(body) != "\x04PONG"+context {
					r.t.Errorf("flags %d and %q, want PONG and %q", flags, body, context)
				}
			}
		},
		"PING between the frames of a message": func(r *raw) {
			r.write(greeting(1), ready("REQ"))
			r.greeted()
			r.write(frame(more, nil), frame(command, []byte("\x04PING\x00\x00mid")), frame(more, []byte("a")),
				frame(command, []byte("\x04PING\x00\x00end")), frame(0, []byte("b")))
			for _, context := range []string{"mid", "end"} {
				if flags, body := r.frame(); flags != command || string(body) != "\x04PONG"+context {
					r.t.Errorf("flags %d and %q, want PONG and %q", flags, body, context)
				}
			}
			expect(r.t, r.recv(), "", "a", "b")
		},
		"PING amidst a large message": func(r *raw) {
			r.write(greeting(1), ready("REQ"))
			r.greeted()
			big := strings.Repeat("B", 300_000)
			begun := append(frame(more, nil), frame(more, []byte(big))...)
			r.write(begun[:200_000])
			r.write(begun[200_000:])
			r.write(frame(command, []byte("\x04PING\x00\x00c")), frame(0, []byte("end")))
			if flags, body := r.frame(); flags != command || string(body) != "\x04PONGc" {
				r.t.Errorf("flags %d and %.20q, want PONG", flags, body)
			}
			expect(r.t, r.recv(), "", big, "end")
		},
		"PONG that nobody asked for": func(r *raw) {
			r.write(greeting(1), ready("REQ"))
			r.greeted()
			r.write(frame(command, []byte("\x04PONGx")), hello)
			expect(r.t, r.recv(), "", "Hello")
		},
		"long headers on short frames": func(r *raw) {
			r.write(greeting(1), ready("DEALER"))
			r.greeted()
			for range 10 { // more than any number of attempts
				r.write(wire(long, "hop", "", "Hello", ""))
				expect(r.t, r.recv(), "hop", "", "Hello", "")
			}
		},
		"more metadata than anybody needs": func(r *raw) {
			body := []byte("\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ\x08Identity\x00\x00\x00\x00")
			body = append(body, "\x08Resource\x00\x00\x00\x01r\x06X-What\x00\x00\x01\x00"+strings.Repeat("m", 256)...)
			r.write(greeting(1), frame(command, body))
			r.greeted()
			r.write(hello)
			expect(r.t, r.recv(), "", "Hello")
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, at ports) {
				p := newPeers(t)
				p.rep(at.be(), echo)
				test(dial(t, at.fe()))
				expect(t, ask(t, p.connect(zmq4.REQ, at.fe()), "still", "there"), "still", "there")
			})
		})
	}
}

// The same from a worker's side: it echoes, with what ZMTP allows in between.
func TestWireOfWorkers(t *testing.T) {
	tests := map[string]func(w *raw, m []string){
		"plain":                      func(w *raw, m []string) { w.write(wire(0, m...)) },
		"long headers":               func(w *raw, m []string) { w.write(wire(long, m...)) },
		"PONG between frames":        func(w *raw, m []string) { w.write(amid(m, []byte("\x04PONG"))) },
		"PING between frames":        func(w *raw, m []string) { w.write(amid(m, []byte("\x04PING\x00\x00x"))) },
		"byte by byte":               func(w *raw, m []string) { bytewise(w, wire(0, m...)) },
		"with a PING, byte by byte":  func(w *raw, m []string) { bytewise(w, amid(m, []byte("\x04PING\x00\x00x"))) },
		"frames in different writes": func(w *raw, m []string) { w.write(wire(0, m...)[:5]); w.write(wire(0, m...)[5:]) },
	}
	for name, reply := range tests {
		for minor := range byte(2) {
			t.Run(name+" 3."+string('0'+rune(minor)), func(t *testing.T) {
				each(t, func(t *testing.T, at ports) {
					w := dialAs(t, at.be(), "REP", minor)
					client := newPeers(t).connect(zmq4.REQ, at.fe(), correlated)
					for range 10 {
						send(t, client, "Hello", "", "you")
						reply(w, texts(w.recv()))
						expect(t, recv(t, client), "Hello", "", "you")
					}
				})
			})
		}
	}
}

// amid puts a command between all frames of a message.
func amid(message []string, body []byte) (out []byte) {
	for i, m := range message {
		flags := byte(more)
		if i == len(message)-1 {
			flags = 0
		}
		out = append(append(out, frame(flags, []byte(m))...), frame(command, body)...)
	}
	return out
}

func bytewise(r *raw, b []byte) {
	for i := range b {
		r.write(b[i : i+1])
	}
}

func texts(message [][]byte) (out []string) {
	for _, f := range message {
		out = append(out, string(f))
	}
	return out
}
