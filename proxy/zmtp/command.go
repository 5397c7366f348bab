package zmtp

import (
	"encoding/binary"
	"time"
)

// The commands of traffic that mean something to a request-reply socket. Any other may be ignored.
const (
	Ping = "PING"
	Pong = "PONG"
)

// MaxContext is how many bytes the context of a PING or PONG may have.
const MaxContext = 16

const (
	tick   = 100 * time.Millisecond // unit of a PING's time to live
	maxTTL = 65535                  // in ticks
)

// ParseCommand splits a command frame, as Scanner.Next cuts it, into its name and data. data is a part of frame.
func ParseCommand(frame []byte) (name string, data []byte, err error) {
	h, need, err := parseHeader(frame)
	switch {
	case err != nil:
		return "", nil, err
	case need > 0 || h.flags&flagCommand == 0 || h.size != uint64(len(frame)-h.len):
		return "", nil, errorf("peer sent what is not one command frame")
	}
	return splitCommand(frame[h.len:])
}

// splitCommand reads command-body (RFC 37): a length, that many letters, and data.
func splitCommand(body []byte) (name string, data []byte, err error) {
	if len(body) == 0 || body[0] == 0 || len(body) < 1+int(body[0]) {
		return "", nil, errorf("peer sent a command without a whole name")
	}
	end := 1 + int(body[0])
	if !isAlpha(body[1:end]) {
		return "", nil, errorf("peer sent a command named %s: only letters may be in a name", shown(body[1:end]))
	}
	return commandName(body[1:end]), body[end:], nil
}

// commandName is a conversion that does not allocate for the names that steady traffic has.
func commandName(b []byte) string {
	switch string(b) {
	case Ping:
		return Ping
	case Pong:
		return Pong
	}
	return string(b)
}

func isAlpha(b []byte) bool {
	for _, c := range b {
		if c |= 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// appendCommand appends the frame of a command whose data is size bytes long, up to where the data begins.
func appendCommand(out []byte, name string, size int) []byte {
	out = appendHeader(out, flagCommand, 1+len(name)+size)
	return append(append(out, byte(len(name))), name...)
}

// AppendPing appends a PING. ttl asks the peer to hang up when it hears nothing for so long after it; it is rounded up to tenths of a
// second and cut to 6553.5 s, and 0 asks for nothing. libzmq takes a ttl above 65.5 s for a shorter one (zeromq/libzmq#4226). context
// comes back in the PONG; only its first 16 bytes are sent.
func AppendPing(out []byte, ttl time.Duration, context []byte) []byte {
	context = context[:min(len(context), MaxContext)]
	ticks := (min(max(0, ttl), maxTTL*tick) + tick - 1) / tick
	out = appendCommand(out, Ping, 2+len(context))
	out = binary.BigEndian.AppendUint16(out, uint16(ticks))
	return append(out, context...)
}

// AppendPong appends the PONG that answers a PING of this context. Only its first 16 bytes are sent.
func AppendPong(out, context []byte) []byte {
	context = context[:min(len(context), MaxContext)]
	return append(appendCommand(out, Pong, len(context)), context...)
}

// ParsePing reads a PING's data. context is a part of data.
func ParsePing(data []byte) (ttl time.Duration, context []byte, err error) {
	switch {
	case len(data) < 2:
		return 0, nil, errorf("peer sent a PING without a time to live")
	case len(data) > 2+MaxContext:
		return 0, nil, errorf("peer sent a PING with a context of %d bytes, the limit is %d", len(data)-2, MaxContext)
	}
	return time.Duration(binary.BigEndian.Uint16(data)) * tick, data[2:], nil
}
