package zmtp

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

// A handshake that another process goes on with after any byte says the same, and learns the same of its peer.
func TestResume(t *testing.T) {
	role := &Role{SocketType: "DEALER", Authenticate: func(_, _ []byte) error { return nil }}
	greeting := func(mechanism string) []byte {
		return appendGreetingRest([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x01"), mechanism, false)
	}
	metadata := string(appendProperty(nil, propertySocketType, "REP"))
	command := func(name, data string) []byte {
		return append(append([]byte{4, byte(1 + len(name) + len(data)), byte(len(name))}, name...), data...)
	}
	for mechanism, in := range map[string][]byte{
		"NULL":  slices.Concat(greeting("NULL"), command(ready, metadata)),
		"PLAIN": slices.Concat(greeting("PLAIN"), command(hello, "\x09hello/3#7\x02pw"), command(initiate, metadata)),
	} {
		var whole Handshake
		want := whole.Begin(role, nil)
		_, want, done, err := whole.Feed(in, want)
		if !done || err != nil {
			t.Fatalf("%s: done %t, %v", mechanism, done, err)
		}
		for cut := range len(in) {
			var first, second Handshake
			got := first.Begin(role, nil)
			n, got, _, err := first.Feed(in[:cut], got)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(first.State())
			var s HandshakeState
			if err == nil {
				err = json.Unmarshal(text, &s)
			}
			if err == nil {
				err = second.Resume(role, s)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, got, done, err = second.Feed(in[n:], got)
			if !done || err != nil || !bytes.Equal(got, want) || !reflect.DeepEqual(second.Peer(), whole.Peer()) {
				t.Errorf("%s, cut at %d: done %t, %v; said %q, want %q; peer %+v", mechanism, cut, done, err, got, want, second.Peer())
			}
		}
	}
	if err := new(Handshake).Resume(role, HandshakeState{Mechanism: "CURVE"}); err == nil {
		t.Error("went on with a mechanism that there is not")
	}
}

// A new field of what a connection remembers has to be carried by HandshakeState, or be named here as one that need not be: the Scanner finds
// again what it knows of bytes that are presented anew.
func TestHandshakeStateIsComplete(t *testing.T) {
	for _, known := range []struct {
		of     any
		fields []string
	}{
		{Handshake{}, []string{"role", "mech", "peer", "done", "err"}},
		{plain{}, []string{"welcomed"}},
		{null{}, nil},
		{Peer{}, []string{"Minor", "Mechanism", "SocketType", "User", "Identity"}}, // SocketType and Identity come with the end
		{Scanner{}, []string{"MaxFrame", "MaxMessage", "MaxFrames", "MaxCommand", "seen", "frames"}},
	} {
		var fields []string
		for f := range reflect.TypeOf(known.of).Fields() {
			fields = append(fields, f.Name)
		}
		if !slices.Equal(fields, known.fields) {
			t.Errorf("%T has the fields %v, not %v", known.of, fields, known.fields)
		}
	}
}
