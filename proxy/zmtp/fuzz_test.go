package zmtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzHandshake feeds a peer's bytes to one of our roles, whole, in two pieces and one by one.
func FuzzHandshake(f *testing.F) {
	roles := []*Role{router, dealer, repsOnly, narrow}
	f.Fuzz(func(t *testing.T, which byte, split uint16, in string) {
		role := roles[int(which)%len(roles)]
		whole := shake(role, in)
		at := min(int(split), len(in))
		for name, other := range map[string]outcome{"bytes": shake(role, single(in)...), "halves": shake(role, in[:at], in[at:])} {
			if !reflect.DeepEqual(whole, other) {
				t.Fatalf("whole %#v\n%s %#v", whole, name, other)
			}
		}
		checkOutcome(t, role, in, whole)
	})
}

// checkOutcome is what must be true of a handshake whatever the peer sends.
func checkOutcome(t *testing.T, role *Role, in string, o outcome) {
	if o.done && o.err != "" {
		t.Fatal("done, with an error:", o.err)
	}
	if o.consumed > len(in) || len(o.sent) > greetingSize+300 || len(o.err) > 500 || !strings.HasPrefix(o.sent, begin) {
		t.Fatalf("out of bounds: %#v", o)
	}
	if !o.done {
		return
	}
	allowed := role.Peers
	if allowed == nil {
		allowed = legalPeers[role.SocketType]
	}
	if !slices.Contains(allowed, o.peer.SocketType) || len(o.peer.Identity) > maxIdentity || o.consumed < greetingSize {
		t.Fatalf("must not be done: %#v", o)
	}
	if o.peer.Mechanism == "PLAIN" != (o.peer.User == "bob") {
		t.Fatalf("who is this? %#v", o.peer)
	}
}

// FuzzScanner compares the Scanner with the reference, for traffic that arrives whole, in equal pieces and byte by byte.
func FuzzScanner(f *testing.F) {
	f.Fuzz(func(t *testing.T, maxFrame, maxMessage uint16, piece uint8, stream []byte) {
		want, wantErr := reference(stream, int64(maxFrame), int64(maxMessage))
		for _, size := range []int{len(stream), int(piece), 1} {
			tr := traffic{s: Scanner{MaxFrame: int64(maxFrame), MaxMessage: int64(maxMessage)}}
			var err error
			for p := range slices.Chunk(stream, max(1, size)) {
				if err = tr.arrive(p); err != nil {
					break
				}
			}
			if !slices.Equal(tr.cuts, want) || (err == nil) != (wantErr == nil) || tr.bad != "" {
				t.Fatalf("pieces of %d: got %q, %v %s\nwant %q, %v", size, tr.cuts, err, tr.bad, want, wantErr)
			}
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
		}
	})
}

// FuzzCommand takes what ParseCommand reads apart and puts it together again.
func FuzzCommand(f *testing.F) {
	f.Fuzz(func(t *testing.T, frame []byte) {
		name, data, err := ParseCommand(frame)
		if err != nil {
			return
		}
		if name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Fatalf("name %q", name)
		}
		body := string([]byte{byte(len(name))}) + name + string(data)
		start := 2
		if frame[0] == 6 {
			start = 9
		}
		if string(frame[start:]) != body {
			t.Fatalf("%q is not %q", body, frame)
		}
	})
}

// FuzzPing reads a PING's data and writes it again.
func FuzzPing(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		ttl, context, err := ParsePing(data)
		if (err == nil) != (len(data) >= 2 && len(data) <= 18) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		if ttl < 0 || ttl > 6553500*time.Millisecond {
			t.Fatal(ttl)
		}
		again := AppendPing(nil, ttl, context)
		if !bytes.Equal(again, append([]byte{4, byte(5 + len(data)), 4, 'P', 'I', 'N', 'G'}, data...)) {
			t.Fatalf("%q became %q", data, again)
		}
	})
}

// FuzzEnvelope compares Envelope and Frames with the reference's way of reading frames.
func FuzzEnvelope(f *testing.F) {
	f.Fuzz(func(t *testing.T, msg []byte) {
		var bodies []string
		want, ok := 0, false
		for rest := msg; ; {
			frame, flags, err := referenceFrame(rest, 0, 0, 0)
			if err != nil || frame == nil || flags&4 != 0 {
				break
			}
			start := 2
			if flags&2 != 0 {
				start = 9
			}
			bodies = append(bodies, string(frame[start:]))
			rest = rest[len(frame):]
			if flags&1 == 0 {
				break
			}
			if len(frame) == start && !ok {
				want, ok = len(msg)-len(rest), true
			}
		}
		if n, gotOK := Envelope(msg); n != want || gotOK != ok {
			t.Fatalf("got %d, %v; want %d, %v", n, gotOK, want, ok)
		}
		var got []string
		for body := range Frames(msg) {
			got = append(got, string(body))
		}
		if !slices.Equal(got, bodies) {
			t.Fatalf("got %q, want %q", got, bodies)
		}
	})
}

// FuzzToken puts a token in front of anything, and takes anything for a message with a token.
func FuzzToken(f *testing.F) {
	f.Fuzz(func(t *testing.T, token uint64, msg []byte) {
		if got, n, ok := Token(append(AppendToken(nil, token), msg...)); !ok || got != token || n != TokenFrame {
			t.Fatal(got, ok)
		}
		var want []byte // the first frame, if it can be a token
		if len(msg) >= 10 && msg[0] <= 1 && msg[1] == 8 {
			want = msg[2:10]
		}
		if len(msg) >= 17 && msg[0]|1 == 3 && string(msg[1:9]) == "\x00\x00\x00\x00\x00\x00\x00\x08" {
			want = msg[9:17]
		}
		got, n, ok := Token(msg)
		if ok != (want != nil) {
			t.Fatal(got, ok)
		}
		if ok && (got != binary.BigEndian.Uint64(want) || string(msg[n-8:n]) != string(want)) {
			t.Fatal(got, n)
		}
	})
}
