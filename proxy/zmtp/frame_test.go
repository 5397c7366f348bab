package zmtp

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAppendFrame(t *testing.T) {
	for _, test := range []struct {
		more bool
		body string
		want string
	}{
		{false, "", "\x00\x00"},
		{true, "", "\x01\x00"},
		{false, "Hello", "\x00\x05Hello"},
		{true, strings.Repeat("a", 255), "\x01\xff" + strings.Repeat("a", 255)},
		{false, strings.Repeat("a", 256), "\x02\x00\x00\x00\x00\x00\x00\x01\x00" + strings.Repeat("a", 256)},
		{true, strings.Repeat("a", 70000), "\x03\x00\x00\x00\x00\x00\x01\x11\x70" + strings.Repeat("a", 70000)},
	} {
		if got := AppendFrame([]byte("x"), test.more, []byte(test.body)); string(got) != "x"+test.want {
			t.Errorf("%d bytes, more %v: got %.20q", len(test.body), test.more, got)
		}
		if got := AppendHeader(nil, test.more, len(test.body)); string(got)+test.body != test.want {
			t.Errorf("%d bytes, more %v: header %q", len(test.body), test.more, got)
		}
	}
}

func TestFramesEndsAtWhatIsBroken(t *testing.T) {
	for in, want := range map[string]int{
		"":                          0,
		"\x01":                      0,
		"\x01\x00":                  1,
		"\x01\x00\x00\x05Hell":      1,
		"\x00\x00\x00\x00":          1, // ends with the message
		"\x01\x00" + ping:           1,
		"\x01\x00\x03\x00\x00":      1,
		"\x01\x00\xf8\x00":          1,
		"\x01\x00\x00\x01a":         2,
		"\x02" + pad20:              1,
		"\x02\xff" + pad20:          0,
		"\x06" + pad20[:7] + "\x00": 0,
	} {
		n := 0
		for range Frames([]byte(in)) {
			n++
		}
		if n != want {
			t.Errorf("%q: %d frames, want %d", in, n, want)
		}
	}
	for range Frames([]byte("\x01\x00\x01\x00\x00\x00")) {
		break // must be possible
	}
}

// A body must not be able to grow into the next frame.
func TestFramesAreClipped(t *testing.T) {
	msg := AppendFrame(AppendFrame(AppendFrame(nil, true, []byte("a")), true, make([]byte, 300)), false, []byte("b"))
	for body := range Frames(msg) {
		if cap(body) != len(body) {
			t.Fatalf("a body of %d bytes has room for %d", len(body), cap(body))
		}
	}
}

func TestFramesAndEnvelopeAgainstWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := genMessage().Draw(t, "message")
		token := rapid.Uint64().Draw(t, "token")
		var wire string
		delimited := -1
		for i, body := range message {
			flags := byte(1)
			if i == len(message)-1 {
				flags = 0
			}
			wire += encode(t, flags, body)
			if len(body) == 0 && flags == 1 && delimited < 0 {
				delimited = len(wire)
			}
		}
		var got [][]byte
		for body, more := range Frames([]byte(wire)) {
			if more != (len(got) < len(message)-1) {
				t.Fatal("wrong MORE")
			}
			got = append(got, body)
		}
		if !slices.EqualFunc(got, message, bytes.Equal) {
			t.Fatalf("got %q", got)
		}
		n, ok := Envelope([]byte(wire))
		if ok != (delimited >= 0) || ok && n != delimited {
			t.Fatalf("envelope of %q: %d %v, want %d", wire, n, ok, delimited)
		}
		named := append(AppendToken(nil, token), wire...)
		if back, n, ok := Token(named); !ok || back != token || string(named[n:]) != wire {
			t.Fatal("token", back, ok)
		}
		if more, ok := Envelope(named); ok != (delimited >= 0) || ok && more != n+TokenFrame {
			t.Fatal("a token in front changes the envelope", more, ok)
		}
	})
}

func TestEnvelope(t *testing.T) {
	for _, test := range []struct {
		name, in string
		n        int
		ok       bool
	}{
		{"REQ", "\x01\x00" + short, 2, true},
		{"REQ with ZMQ_REQ_CORRELATE", "\x01\x04\x00\x00\x00\x01\x01\x00" + short, 8, true},
		{"two hops", "\x01\x05\x00hop1\x01\x05\x00hop2\x01\x00" + short, 16, true},
		{"the first empty frame counts", "\x01\x00\x01\x00" + short, 2, true},
		{"long form of a delimiter", "\x01\x01a\x03" + pad20[:8] + short, 12, true},
		{"long frame before it", "\x03" + pad20[:7] + "\x02ab\x01\x00" + short, 13, true},
		{"empty body", "\x01\x00\x00\x00", 2, true},
		{"none", "\x01\x01a" + short, 0, false},
		{"the only empty frame is the last", "\x01\x01a\x00\x00", 0, false},
		{"an empty message", "\x00\x00", 0, false},
		{"an empty frame behind the message", "\x00\x01a\x01\x00", 0, false},
		{"nothing", "", 0, false},
	} {
		if n, ok := Envelope([]byte(test.in)); n != test.n || ok != test.ok {
			t.Errorf("%s: got %d, %v", test.name, n, ok)
		}
	}
}

func TestToken(t *testing.T) {
	wire := AppendToken([]byte("x"), 0x0102030405060708)
	if string(wire) != "x\x01\x08\x01\x02\x03\x04\x05\x06\x07\x08" {
		t.Fatalf("%q", wire)
	}
	for _, in := range []string{
		"", "\x01\x08", "\x01\x08\x01\x02\x03\x04\x05\x06\x07", "\x00\x07" + pad20, "\x01\x07" + pad20, "\x01\x09" + pad20,
		"\x04\x08" + pad20, "\x02" + string(binary.BigEndian.AppendUint64(nil, 7)) + pad20,
	} {
		if token, _, ok := Token([]byte(in)); ok {
			t.Errorf("%q is the token %d", in, token)
		}
	}
	for _, alone := range []string{"\x00\x08\x00\x00\x00\x00\x00\x00\x01\x02", "\x02\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x01\x02"} {
		if token, n, ok := Token([]byte(alone)); !ok || token != 0x102 || n != len(alone) {
			t.Errorf("%q is the token %d of %d bytes, %v", alone, token, n, ok)
		}
	}
}

// A peer may write the length of a short frame in the long form.
func TestLongFormOfShortFrames(t *testing.T) {
	long := func(more byte, body string) string {
		return string(binary.BigEndian.AppendUint64([]byte{2 | more}, uint64(len(body)))) + body
	}
	const token = "\x01\x02\x03\x04\x05\x06\x07\x08"
	if got, n, ok := Token([]byte(long(1, token) + "rest")); !ok || got != 0x0102030405060708 || n != 17 {
		t.Errorf("token %x in %d bytes, %v", got, n, ok)
	}
	short := "\x01\x03hop\x01\x00"
	for _, test := range []struct {
		name, msg string
		want      bool
	}{
		{"the same bytes", short + "\x00\x04body", true},
		{"long", long(1, "hop") + long(1, "") + long(0, "body"), true},
		{"half long", "\x01\x03hop" + long(1, "") + "\x00\x04body", true},
		{"another frame", "\x01\x03hip\x01\x00\x00\x04body", false},
		{"a frame more", "\x01\x03hop\x01\x03hop\x01\x00\x00\x04body", false},
		{"a frame less", "\x01\x00\x00\x04body", false},
		{"no body", "\x01\x03hop\x00\x00", false},
		{"cut", "\x01\x03hop", false},
		{"nothing", "", false},
	} {
		if got := HasEnvelope([]byte(test.msg), []byte(short)); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
		if got := HasEnvelope([]byte(test.msg), []byte(long(1, "hop")+long(1, ""))); got != test.want {
			t.Errorf("%s, of a long envelope: %v", test.name, got)
		}
	}
}

func TestOnlyFrame(t *testing.T) {
	for in, want := range map[string]string{
		"\x01\x00\x00\x02ab":                              "ab",
		"\x01\x03hop\x01\x00\x00\x00":                     "",
		"\x01\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03abc": "abc",
		"\x01\x00\x01\x02ab\x00\x00":                      "none",
		"\x00\x02ab":                                      "none",
		"\x01\x02ab\x00\x02cd":                            "none",
		"\x01\x00":                                        "none",
		"":                                                "none",
	} {
		got, ok := OnlyFrame([]byte(in))
		if !ok {
			got = []byte("none")
		}
		if string(got) != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}
