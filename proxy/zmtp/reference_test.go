package zmtp

import (
	"encoding/binary"
	"errors"
	"math"
)

// cut is one item of a stream of traffic: the whole wire bytes of a message, without commands between its frames, or of a command.
type cut struct {
	kind Kind
	wire string
}

var errReference = errors.New("not ZMTP traffic")

// reference cuts traffic in the most obvious way: it reads one frame after another from the whole stream, as RFC 37's grammar has it.
func reference(stream []byte, maxFrame, maxMessage int64) (cuts []cut, err error) {
	var message []byte
	for {
		frame, flags, err := referenceFrame(stream, maxFrame, maxMessage, int64(len(message)))
		if err != nil || frame == nil {
			return cuts, err
		}
		stream = stream[len(frame):]
		if flags&4 != 0 {
			cuts = append(cuts, cut{Command, string(frame)})
			continue
		}
		if message = append(message, frame...); flags&1 == 0 {
			cuts = append(cuts, cut{Message, string(message)})
			message = nil
		}
	}
}

// referenceFrame returns the first frame of b, header and body, or nil when it is not all there. before is how long the message is so far.
func referenceFrame(b []byte, maxFrame, maxMessage, before int64) (frame []byte, flags byte, err error) {
	if len(b) == 0 {
		return nil, 0, nil
	}
	flags = b[0]
	more, long, command := flags&1 != 0, flags&2 != 0, flags&4 != 0
	if flags > 7 || more && command {
		return nil, 0, errReference
	}
	var start, size int64
	switch {
	case !long && len(b) >= 2:
		start, size = 2, int64(b[1])
	case long && len(b) >= 9:
		start, size = 9, int64(binary.BigEndian.Uint64(b[1:]))
	default:
		return nil, 0, nil
	}
	switch {
	case size < 0 || size > math.MaxInt64-before-start:
		return nil, 0, errReference
	case maxFrame > 0 && size > maxFrame:
		return nil, 0, errReference
	case !command && maxMessage > 0 && before+start+size > maxMessage:
		return nil, 0, errReference
	}
	if int64(len(b)) < start+size {
		return nil, 0, nil
	}
	return b[:start+size], flags, nil
}

// traffic drives a Scanner as a connection does: bytes arrive in pieces, items are taken out of the buffer.
type traffic struct {
	s    Scanner
	buf  []byte
	need int
	cuts []cut
	bad  string // how the Scanner broke its contract
}

func (tr *traffic) arrive(piece []byte) error {
	tr.buf = append(tr.buf, piece...)
	for {
		item, err := tr.s.Next(tr.buf)
		if err != nil {
			return err
		}
		if item.Kind != None && len(tr.buf) < tr.need {
			tr.bad = "an item came before the bytes that it was said to need"
		}
		if item.Kind == None {
			if tr.need = item.Need; item.Need <= len(tr.buf) {
				tr.bad = "Need asks for nothing"
			}
			return nil
		}
		if item.Kind == Message && item.Start != 0 {
			tr.bad = "a message does not start at 0"
		}
		tr.need = 0
		tr.cuts = append(tr.cuts, cut{item.Kind, string(tr.buf[item.Start:item.End])})
		tr.buf = append(tr.buf[:item.Start], tr.buf[item.End:]...)
	}
}
