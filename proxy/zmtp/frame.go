package zmtp

import (
	"encoding/binary"
	"iter"
)

// The bits of a frame's first byte (RFC 37, Framing).
const (
	flagMore     = 1
	flagLong     = 2
	flagCommand  = 4
	flagReserved = ^byte(flagMore | flagLong | flagCommand)
)

const (
	shortHeader = 2 // flags, one byte of length
	longHeader  = 9 // flags, eight bytes of length
	maxShort    = 255
)

// header is the start of a frame.
type header struct {
	flags byte
	len   int    // bytes of the header itself
	size  uint64 // bytes of the body
}

// parseHeader reads a header. While b does not hold all of it, need is how many bytes it takes; when it does, need is 0.
func parseHeader(b []byte) (h header, need int, err error) {
	if len(b) == 0 {
		return header{}, shortHeader, nil
	}
	h = header{flags: b[0], len: shortHeader}
	switch {
	case h.flags&flagReserved != 0:
		return h, 0, errorf("peer sent a frame with reserved flags (0x%02x)", h.flags)
	case h.flags&flagCommand != 0 && h.flags&flagMore != 0:
		return h, 0, errorf("peer sent a command that says more frames follow (flags 0x%02x)", h.flags)
	case h.flags&flagLong != 0:
		h.len = longHeader
	}
	if len(b) < h.len {
		return h, h.len, nil
	}
	if h.size = uint64(b[1]); h.len == longHeader {
		h.size = binary.BigEndian.Uint64(b[1:])
	}
	if h.size>>63 != 0 {
		return h, 0, errorf("peer sent a frame length with the top bit set (0x%016x)", h.size)
	}
	return h, 0, nil
}

// AppendHeader appends the header of a message frame whose body is size bytes long, in the short form where it fits.
func AppendHeader(out []byte, more bool, size int) []byte {
	var flags byte
	if more {
		flags = flagMore
	}
	return appendHeader(out, flags, size)
}

func appendHeader(out []byte, flags byte, size int) []byte {
	if size <= maxShort {
		return append(out, flags, byte(size))
	}
	return binary.BigEndian.AppendUint64(append(out, flags|flagLong), uint64(size))
}

// AppendFrame appends a whole message frame.
func AppendFrame(out []byte, more bool, body []byte) []byte {
	return append(AppendHeader(out, more, len(body)), body...)
}

// Frames yields the body of each frame of a message and whether another follows. msg is as Scanner.Next cuts it; where it is not, Frames
// ends before the first frame that is broken or incomplete. The bodies are parts of msg.
func Frames(msg []byte) iter.Seq2[[]byte, bool] {
	return func(yield func([]byte, bool) bool) {
		for more := true; more; {
			var body []byte
			var ok bool
			if body, more, msg, ok = cutFrame(msg); !ok || !yield(body, more) {
				return
			}
		}
	}
}

// cutFrame takes the first message frame off b.
func cutFrame(b []byte) (body []byte, more bool, rest []byte, ok bool) {
	if len(b) >= shortHeader && b[0] <= flagMore { // short and not a command: nearly every frame there is
		end := shortHeader + int(b[1])
		if end > len(b) {
			return nil, false, nil, false
		}
		return b[shortHeader:end:end], b[0] != 0, b[end:], true
	}
	return cutLongFrame(b)
}

func cutLongFrame(b []byte) (body []byte, more bool, rest []byte, ok bool) {
	if len(b) < longHeader || b[0]&^flagMore != flagLong {
		return nil, false, nil, false
	}
	size := binary.BigEndian.Uint64(b[1:])
	if size > uint64(len(b)-longHeader) {
		return nil, false, nil, false
	}
	end := longHeader + int(size)
	return b[longHeader:end:end], b[0]&flagMore != 0, b[end:], true
}
