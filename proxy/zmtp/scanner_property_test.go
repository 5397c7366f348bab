package zmtp

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// genMessage draws the frames of a message; lengths around the border of short and long are common.
func genMessage() *rapid.Generator[[][]byte] {
	size := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(250, 260), rapid.IntRange(0, 2000))
	frame := rapid.Custom(func(t *rapid.T) []byte {
		return bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, size.Draw(t, "size"))
	})
	return rapid.SliceOfN(frame, 1, 6)
}

// encode is an encoder of its own: any frame may take the long form.
func encode(t *rapid.T, flags byte, body []byte) string {
	if len(body) > 255 || rapid.IntRange(0, 9).Draw(t, "long form") == 0 {
		return string(binary.BigEndian.AppendUint64([]byte{flags | 2}, uint64(len(body)))) + string(body)
	}
	return string([]byte{flags, byte(len(body))}) + string(body)
}

func TestScannerFindsWhatWasSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream string
		var want []cut
		maybePing := func() {
			if rapid.IntRange(0, 4).Draw(t, "ping") == 0 {
				c := encode(t, 4, []byte("\x04PING\x00\x00"))
				stream += c
				want = append(want, cut{Command, c})
			}
		}
		for _, message := range rapid.SliceOfN(genMessage(), 0, 8).Draw(t, "messages") {
			var wire string
			for i, body := range message {
				maybePing()
				flags := byte(1)
				if i == len(message)-1 {
					flags = 0
				}
				f := encode(t, flags, body)
				stream += f
				wire += f
			}
			want = append(want, cut{Message, wire})
		}
		maybePing()

		var tr traffic
		for rest := []byte(stream); len(rest) > 0; {
			n := rapid.IntRange(1, min(len(rest), 700)).Draw(t, "piece")
			if err := tr.arrive(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if !slices.Equal(tr.cuts, want) || tr.bad != "" {
			t.Fatalf("got %q %s\nwant %q", tr.cuts, tr.bad, want)
		}
	})
}

// A caller may read exactly what Need asks for, and then gets somewhere each time.
func TestScannerNeedIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var wire string
		message := genMessage().Draw(t, "message")
		for i, body := range message {
			flags := byte(1)
			if i == len(message)-1 {
				flags = 0
			}
			wire += encode(t, flags, body)
		}
		var s Scanner
		reads, have := 0, 0
		for {
			item, err := s.Next([]byte(wire[:have]))
			if err != nil || item.Kind == Command {
				t.Fatal(item, err)
			}
			if item.Kind == Message {
				break
			}
			have = item.Need
			reads++
		}
		if have != len(wire) || reads > 3*len(message) { // a frame takes two reads for its header and one for its body at most
			t.Fatalf("%d reads and %d bytes for %d frames of %d bytes", reads, have, len(message), len(wire))
		}
	})
}
