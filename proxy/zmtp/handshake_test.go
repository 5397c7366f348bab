package zmtp

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var errWrongSecret = errors.New("wrong secret")

func bobOnly(username, password []byte) error {
	if string(username) != "bob" || string(password) != "secret" {
		return errWrongSecret
	}
	return nil
}

var (
	router   = &Role{SocketType: "ROUTER", Authenticate: bobOnly}
	dealer   = &Role{SocketType: "DEALER", Authenticate: bobOnly}
	repsOnly = &Role{SocketType: "DEALER", Peers: []string{"REP"}}
	narrow   = &Role{SocketType: "ROUTER", MaxMetadata: 38}
)

// outcome is all that a handshake shows to its caller.
type outcome struct {
	sent     string
	consumed int
	done     bool
	err      string
	peer     Peer
}

// shake feeds the peer's bytes as they arrive in pieces, keeping what is not consumed, as a connection does.
func shake(role *Role, pieces ...string) outcome {
	var h Handshake
	var o outcome
	var unread []byte
	sent := h.Begin(role, nil)
	for _, piece := range pieces {
		unread = append(unread, piece...)
		n, out, done, err := h.Feed(unread, sent)
		sent, unread, o.done = out, unread[n:], done
		o.consumed += n
		if err != nil {
			o.err = err.Error()
		}
	}
	o.sent, o.peer = string(sent), h.Peer()
	return o
}

func single(s string) []string { return strings.Split(s, "") }

// failureCmd is an ERROR command with a reason of at most 248 bytes.
func failureCmd(reason string) string {
	return string([]byte{4, byte(7 + len(reason))}) + "\x05ERROR" + string([]byte{byte(len(reason))}) + reason
}

type transcript struct {
	name   string
	role   *Role
	theirs string
	ours   string
	peer   Peer   // when the handshake succeeds
	left   string // the traffic behind it
	err    string // when it does not succeed
}

func transcripts() []transcript {
	all := slices.Concat(successes, otherRefusals)
	for _, tr := range refusals {
		tr.ours += failureCmd(strings.ReplaceAll(tr.err, " ", "-"))
		all = append(all, tr)
	}
	return all
}

func (tr transcript) want() outcome {
	return outcome{sent: tr.ours, consumed: len(tr.theirs) - len(tr.left), done: tr.err == "", err: tr.err, peer: tr.peer}
}

// check holds an outcome against the transcript. What is known of a refused peer, and how much of its bytes is consumed, is not promised.
func (tr transcript) check(t *testing.T, got outcome) {
	t.Helper()
	want := tr.want()
	if tr.err != "" {
		got.peer, got.consumed = want.peer, want.consumed
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %#v\nwant %#v", got, want)
	}
}

func TestHandshake(t *testing.T) {
	for _, tr := range transcripts() {
		t.Run(tr.name, func(t *testing.T) { tr.check(t, shake(tr.role, tr.theirs)) })
	}
}

func TestHandshakeDoesNotDependOnHowBytesArrive(t *testing.T) {
	for _, tr := range transcripts() {
		t.Run(tr.name, func(t *testing.T) {
			tr.check(t, shake(tr.role, single(tr.theirs)...))
			for i := range tr.theirs {
				tr.check(t, shake(tr.role, tr.theirs[:i], tr.theirs[i:]))
				tr.check(t, shake(tr.role, tr.theirs[:i/2], tr.theirs[i/2:i], tr.theirs[i:]))
			}
		})
	}
}

func TestHandshakeIsNotDoneBeforeItsLastByte(t *testing.T) {
	for _, tr := range successes {
		theirs := strings.TrimSuffix(tr.theirs, tr.left)
		for i := range theirs {
			if got := shake(tr.role, theirs[:i]); got.done || got.err != "" {
				t.Fatalf("%s: after %d of %d bytes: %+v", tr.name, i, len(theirs), got)
			}
		}
	}
}

// The mechanism must not be sent before the peer's is known, and the rest of the greeting not later than that.
func TestGreetingWaitsForThePeersMechanism(t *testing.T) {
	if got := shake(router, plainGreeting[:32]).sent; got != begin {
		t.Fatalf("sent %q before the peer's greeting was there", got)
	}
	if got := shake(router, plainGreeting).sent; got != begin+restPLAIN {
		t.Fatalf("sent %q", got)
	}
}

func TestHandshakeResultsAreFinal(t *testing.T) {
	var h Handshake
	h.Begin(router, nil)
	_, _, done, err := h.Feed([]byte(nullGreeting+readyREQ), nil)
	if !done || err != nil {
		t.Fatal(done, err)
	}
	if n, out, done, err := h.Feed([]byte(short), nil); n != 0 || out != nil || !done || err != nil {
		t.Fatal("traffic was taken for a handshake", n, out, done, err)
	}
	h.Begin(router, nil)
	_, _, _, first := h.Feed([]byte(nullGreeting+ping), nil)
	n, out, done, again := h.Feed([]byte(readyREQ), nil)
	if n != 0 || out != nil || done || !errors.Is(again, first) || first == nil {
		t.Fatal("a refused peer was heard again", n, out, done, again)
	}
}

func TestHandshakeErrorChain(t *testing.T) {
	var h Handshake
	h.Begin(router, nil)
	_, _, _, err := h.Feed([]byte(plainGreeting+"\x04\x08\x05HELLO\x00\x00"), nil)
	var e *Error
	if !errors.Is(err, errWrongSecret) || !errors.As(err, &e) {
		t.Fatalf("%v is not an *Error with the cause in its chain", err)
	}
}

// A peer chooses its identity, so that must not be a part of a buffer that is used again.
func TestPeerOwnsItsBytes(t *testing.T) {
	in := []byte(nullGreeting + "\x04\x28\x05READY" + "\x08Identity\x00\x00\x00\x02me" + typeREQ)
	var h Handshake
	h.Begin(router, nil)
	if _, _, done, err := h.Feed(in, nil); !done {
		t.Fatal(err)
	}
	clear(in)
	if got := h.Peer(); string(got.Identity) != "me" || got.SocketType != "REQ" {
		t.Fatalf("%+v", got)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	for _, char := range []string{"\xff", "x"} {
		body := "\x05READY\x0bSocket-Type\x00\x00\x0f\xa0" + strings.Repeat(char, 4000)
		got := shake(router, nullGreeting+string(appendHeader(nil, flagCommand, len(body)))+body)
		if got.err == "" || len(got.err) > 400 {
			t.Errorf("%d bytes of error: %q", len(got.err), got.err)
		}
		if n := len(got.sent) - len(begin+restNULL); n > 271 {
			t.Errorf("%d bytes of ERROR", n)
		}
	}
}
