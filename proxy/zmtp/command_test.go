package zmtp

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseCommand(t *testing.T) {
	for _, test := range []struct{ in, name, data, err string }{
		{in: ping, name: "PING", data: "\x00\x0aab"},
		{in: pong, name: "PONG", data: "ab"},
		{in: "\x04\x05\x04PONG", name: "PONG"},
		{in: "\x06\x00\x00\x00\x00\x00\x00\x00\x0bSUBSCRIBE", err: "peer sent what is not one command frame"},
		{in: "\x06\x00\x00\x00\x00\x00\x00\x00\x0b\x09SUBSCRIBEx", name: "SUBSCRIBE", data: "x"},
		{in: "\x04\x02\x01x", name: "x"},
		{in: "", err: "peer sent what is not one command frame"},
		{in: "\x04", err: "peer sent what is not one command frame"},
		{in: short, err: "peer sent what is not one command frame"},
		{in: ping + ping, err: "peer sent what is not one command frame"},
		{in: "\x0c\x00", err: "peer sent a frame with reserved flags (0x0c)"},
		{in: "\x04\x00", err: "peer sent a command without a whole name"},
		{in: "\x04\x01\x00", err: "peer sent a command without a whole name"},
		{in: "\x04\x04\x04PIN", err: "peer sent a command without a whole name"},
		{in: "\x04\x05\x04PI\nG", err: `peer sent a command named "PI\nG": only letters may be in a name`},
		{in: "\x04\x03\x02A[", err: `peer sent a command named A[: only letters may be in a name`},
	} {
		name, data, err := ParseCommand([]byte(test.in))
		said := ""
		if err != nil {
			said = err.Error()
		}
		if name != test.name || string(data) != test.data || said != test.err {
			t.Errorf("%q: got %q %q %v", test.in, name, data, err)
		}
	}
}

func TestAppendPing(t *testing.T) {
	for _, test := range []struct {
		ttl           time.Duration
		context, want string
	}{
		{0, "", "\x04\x07\x04PING\x00\x00"},
		{time.Second, "ab", ping},
		{time.Nanosecond, "", "\x04\x07\x04PING\x00\x01"},
		{1900 * time.Millisecond, "", "\x04\x07\x04PING\x00\x13"},
		{1901 * time.Millisecond, "", "\x04\x07\x04PING\x00\x14"},
		{24 * time.Hour, "", "\x04\x07\x04PING\xff\xff"},
		{1<<63 - 1, "", "\x04\x07\x04PING\xff\xff"},
		{-time.Hour, "", "\x04\x07\x04PING\x00\x00"},
		{0, "0123456789abcdefX", "\x04\x17\x04PING\x00\x000123456789abcdef"},
	} {
		if got := AppendPing(nil, test.ttl, []byte(test.context)); string(got) != test.want {
			t.Errorf("%v %q: %q", test.ttl, test.context, got)
		}
	}
	if got := AppendPong(nil, []byte("ab")); string(got) != pong {
		t.Errorf("%q", got)
	}
	if got := AppendPong(nil, []byte("0123456789abcdefX")); string(got) != "\x04\x15\x04PONG0123456789abcdef" {
		t.Errorf("%q", got)
	}
}

func TestParsePingRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "peer sent a PING without a time to live",
		"\x00":                            "peer sent a PING without a time to live",
		"\x00\x000123456789abcdefX":       "peer sent a PING with a context of 17 bytes, the limit is 16",
		"\x00\x00" + pad20 + pad20 + "XX": "peer sent a PING with a context of 42 bytes, the limit is 16",
	} {
		if _, _, err := ParsePing([]byte(in)); err == nil || err.Error() != want {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestPingComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ttl := time.Duration(rapid.IntRange(0, 65535).Draw(t, "ttl")) * 100 * time.Millisecond
		context := rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "context")
		name, data, err := ParseCommand(AppendPing(nil, ttl, context))
		if name != Ping || err != nil {
			t.Fatal(name, err)
		}
		gotTTL, gotContext, err := ParsePing(data)
		if gotTTL != ttl || string(gotContext) != string(context) || err != nil {
			t.Fatal(gotTTL, gotContext, err)
		}
		name, data, err = ParseCommand(AppendPong(nil, gotContext))
		if name != Pong || string(data) != string(context) || err != nil {
			t.Fatal(name, data, err)
		}
	})
}
