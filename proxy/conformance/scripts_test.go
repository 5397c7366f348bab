package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pebbe/zmq4"
	"pgregory.net/rapid"
)

// A script is what clients and workers do, one step after the other. Any steps make a script: a step that makes no sense where it stands
// does nothing, so that rapid can take steps away.
type script struct {
	kinds []clientKind // of each client
	steps []step
}

// clientKind is a client's socket. A relaxed REQ may ask again before it has its reply, and then has only the reply to its last request.
type clientKind struct {
	name    string
	socket  zmq4.Type
	opts    []option
	relaxed bool
}

var clientKinds = []clientKind{
	{name: "DEALER", socket: zmq4.DEALER},
	{name: "REQ", socket: zmq4.REQ},
	{name: "REQ with CORRELATE", socket: zmq4.REQ, opts: []option{correlated}},
	{name: "REQ with CORRELATE and RELAXED", socket: zmq4.REQ, opts: []option{correlated, relaxed}, relaxed: true},
}

type verb string

const (
	verbSend  verb = "send"  // a request; the first one of a client connects it
	verbTake  verb = "take"  // all replies that the client waits for
	verbLeave verb = "leave" // the client closes its socket, with or without requests under way
	verbJoin  verb = "join"  // one more worker
)

type step struct {
	verb     verb
	client   int
	envelope []part // of a DEALER, before the delimiter
	broken   bool   // of a DEALER: without delimiter, or without a body when that is empty. A REP throws it away
	body     []part
}

// part is a frame: so many times this byte, so that a script can be printed.
type part struct {
	size int
	fill byte
}

func (p part) bytes() []byte { return bytes.Repeat([]byte{p.fill}, p.size) }

func (p part) String() string { return fmt.Sprintf("%d×%02x", p.size, p.fill) }

func materialize(parts []part) (message [][]byte) {
	for _, p := range parts {
		message = append(message, p.bytes())
	}
	return message
}

func (s script) String() string {
	var b strings.Builder
	for i, k := range s.kinds {
		fmt.Fprintf(&b, "client %d is a %s\n", i, k.name)
	}
	for _, st := range s.steps {
		fmt.Fprintln(&b, st)
	}
	return b.String()
}

func (st step) String() string {
	switch {
	case st.verb == verbJoin:
		return "a worker joins"
	case st.verb == verbSend && st.broken:
		return fmt.Sprintf("client %d sends, if it is a DEALER, what has no delimiter or no body: envelope %v, body %v",
			st.client, st.envelope, st.body)
	case st.verb == verbSend:
		return fmt.Sprintf("client %d sends envelope %v, body %v", st.client, st.envelope, st.body)
	}
	return fmt.Sprintf("client %d %ss", st.client, st.verb)
}

// GoString is what rapid prints of a draw.
func (st step) GoString() string { return st.String() }

// GoString is what rapid prints of a draw.
func (k clientKind) GoString() string { return k.name }

// drawScript makes up to 30 steps of up to four clients. Sizes are those at which an engine changes its ways: short and long frames,
// buffers that are copied and those that are held.
func drawScript(t *rapid.T) (s script) {
	size := rapid.Custom(func(t *rapid.T) int {
		return rapid.SampledFrom(sizes[rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3}).Draw(t, "scale")]).Draw(t, "size")
	})
	frame := func(size *rapid.Generator[int]) *rapid.Generator[part] {
		return rapid.Custom(func(t *rapid.T) part { return part{size.Draw(t, "size"), rapid.Byte().Draw(t, "fill")} })
	}
	hop := frame(rapid.SampledFrom([]int{1, 4, 5, 8, 255, 256}))
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			verb:     rapid.SampledFrom([]verb{verbSend, verbSend, verbSend, verbSend, verbSend, verbTake, verbLeave, verbJoin}).Draw(t, "verb"),
			client:   rapid.IntRange(0, 3).Draw(t, "client"),
			envelope: rapid.SliceOfN(hop, 0, 3).Draw(t, "envelope"),
			broken:   rapid.IntRange(0, 9).Draw(t, "broken") == 9,
			body:     rapid.SliceOfN(frame(size), 1, 4).Draw(t, "body"),
		}
	}), 1, 30)
	for range 4 {
		s.kinds = append(s.kinds, rapid.SampledFrom(clientKinds).Draw(t, "kind"))
	}
	s.steps = steps.Draw(t, "steps")
	return s
}

var sizes = [][]int{{0, 1, 2, 5}, {100, 254, 255, 256, 257}, {8191, 16_384, 32_768, 65_535, 65_536, 70_000}, {300_000, 1 << 20}}

// answer is what every worker does with a body: it tells bodies apart, and the reply is not always what came.
func answer(body [][]byte) [][]byte {
	size := 0
	for _, f := range body {
		size += len(f)
	}
	switch (size + len(body)) % 4 {
	case 1:
		reversed := slices.Clone(body)
		slices.Reverse(reversed)
		return reversed
	case 2:
		return [][]byte{{}}
	case 3:
		return append(slices.Clone(body), []byte{}, fmt.Appendf(nil, "%d bytes", size))
	}
	return body
}
