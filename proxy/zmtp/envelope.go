package zmtp

import (
	"bytes"
	"encoding/binary"
)

// Envelope returns how many bytes of msg are its envelope: all frames up to and including the delimiter, which is the first empty frame.
// ok is false when there is no empty frame, or when the first one is the last frame of the message: a REP discards such a request without
// a word (RFC 28; libzmq rep.cpp, xrecv).
func Envelope(msg []byte) (n int, ok bool) {
	rest := msg
	for {
		body, more, after, ok := cutFrame(rest)
		if !ok || !more {
			return 0, false
		}
		rest = after
		if len(body) == 0 {
			return len(msg) - len(rest), true
		}
	}
}

// TokenFrame is how many bytes the frame of a token takes on the wire.
const TokenFrame = shortHeader + 8

// AppendToken appends a token as a frame that others follow: the first part of an envelope. A REP sends it back as it came.
func AppendToken(out []byte, token uint64) []byte {
	return binary.BigEndian.AppendUint64(append(out, flagMore, 8), token)
}

// Token returns the token that AppendToken put in front of msg, and how many bytes its frame takes: a worker may have written the frame's
// length in the long form. ok is false when the first frame cannot be a token. A message that is a token and nothing else has one too.
func Token(msg []byte) (token uint64, n int, ok bool) {
	if len(msg) >= TokenFrame && msg[0] == flagMore && msg[1] == 8 {
		return binary.BigEndian.Uint64(msg[shortHeader:]), TokenFrame, true
	}
	body, _, rest, ok := cutFrame(msg)
	if !ok || len(body) != 8 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(body), len(msg) - len(rest), true
}

// HasEnvelope reports whether msg begins with the frames of envelope. Only what the frames hold counts: a worker may have written their
// lengths in another form than the client.
func HasEnvelope(msg, envelope []byte) bool {
	if bytes.HasPrefix(msg, envelope) {
		return true
	}
	for len(envelope) > 0 {
		want, wantMore, after, ok := cutFrame(envelope)
		got, more, rest, found := cutFrame(msg)
		if !ok || !found || more != wantMore || !bytes.Equal(got, want) {
			return false
		}
		envelope, msg = after, rest
	}
	return true
}

// OnlyFrame returns what the one frame behind the envelope of msg holds; not ok: there is no envelope, or more than one frame behind it.
func OnlyFrame(msg []byte) (body []byte, ok bool) {
	n, ok := Envelope(msg)
	if !ok {
		return nil, false
	}
	body, more, _, ok := cutFrame(msg[n:])
	return body, ok && !more
}
