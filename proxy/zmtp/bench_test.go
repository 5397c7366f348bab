package zmtp

import (
	"bytes"
	"testing"
)

// small is a request as it comes from a REQ: a delimiter and a body of 16 bytes.
func small() []byte { return AppendFrame(AppendFrame(nil, true, nil), false, make([]byte, 16)) }

// large is the same with a body of 1 MiB, so that its frame has the long size.
func large() []byte { return AppendFrame(AppendFrame(nil, true, nil), false, make([]byte, 1<<20)) }

func BenchmarkScannerNext(b *testing.B) {
	limits := Scanner{MaxFrame: 64 << 20, MaxMessage: 64 << 20}
	for _, bench := range []struct {
		name    string
		s       Scanner
		message []byte
	}{{"unlimited", Scanner{}, small()}, {"limits", limits, small()}, {"large", limits, large()}} {
		b.Run(bench.name, func(b *testing.B) {
			buf := bytes.Repeat(bench.message, max(6<<10/len(bench.message), 1))
			b.ReportAllocs()
			b.SetBytes(int64(len(bench.message)))
			rest := buf
			for b.Loop() {
				item, err := bench.s.Next(rest)
				if err != nil || item.Kind != Message {
					b.Fatal(item, err)
				}
				if rest = rest[item.End:]; len(rest) == 0 {
					rest = buf
				}
			}
		})
	}
}

func BenchmarkEnvelope(b *testing.B) {
	for name, msg := range map[string][]byte{
		"REQ":        small(),
		"2 hops":     append(AppendFrame(AppendToken(nil, 1), true, []byte("hop01")), small()...),
		"correlated": append(AppendFrame(nil, true, []byte("id00")), small()...),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := Envelope(msg); !ok {
					b.Fatal("no envelope")
				}
			}
		})
	}
}

func BenchmarkToken(b *testing.B) {
	b.ReportAllocs()
	out := make([]byte, 0, 64)
	for b.Loop() {
		out = AppendToken(out[:0], 77)
		if token, _, ok := Token(out); !ok || token != 77 {
			b.Fatal(token, ok)
		}
	}
}

func BenchmarkHandshake(b *testing.B) {
	b.ReportAllocs()
	role := &Role{SocketType: "ROUTER"}
	in := []byte(nullGreeting + readyREQ)
	out := make([]byte, 0, 512)
	for b.Loop() {
		var h Handshake
		out = h.Begin(role, out[:0])
		if _, _, done, err := h.Feed(in, out); !done || err != nil {
			b.Fatal(done, err)
		}
	}
}

func TestTrafficDoesNotAllocate(t *testing.T) {
	stream := bytes.Repeat([]byte("\x01\x00"+short+ping), 50)
	s := Scanner{MaxFrame: 1 << 21, MaxMessage: 1 << 21}
	out := make([]byte, 0, 256)
	check := func(name string, f func()) {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	check("Next and ParseCommand", func() {
		for rest := stream; len(rest) > 0; {
			item, err := s.Next(rest)
			if err != nil {
				t.Fatal(err)
			}
			if item.Kind == Command {
				name, data, err := ParseCommand(rest[item.Start:item.End])
				if _, context, err2 := ParsePing(data); name != Ping || string(context) != "ab" || err != nil || err2 != nil {
					t.Fatal(name, err, err2)
				}
			}
			rest = rest[item.End:]
		}
	})
	big := large()
	check("Next, a large message as it comes in", func() {
		item, err := s.Next(big[:1])
		for n := 1; item.Kind == None && err == nil; n = min(n+64<<10, len(big)) {
			item, err = s.Next(big[:n])
		}
		if err != nil || item.Kind != Message || item.End != len(big) {
			t.Fatal(item, err)
		}
	})
	message := AppendFrame(AppendFrame(AppendToken(nil, 7), true, nil), false, []byte("Hello"))
	check("Token", func() { _, _, _ = Token(message) })
	check("HasEnvelope", func() { _ = HasEnvelope(message, message[:TokenFrame+2]) })
	check("Envelope", func() { _, _ = Envelope(message) })
	check("Frames", func() {
		for body, more := range Frames(message) {
			_, _ = body, more
		}
	})
	check("Append", func() {
		out = AppendPong(AppendPing(AppendFrame(AppendToken(out[:0], 1), false, message), 1e9, message[:8]), message[:8])
	})
}
