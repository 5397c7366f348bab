package zmtp

import "math"

// Kind says what Scanner.Next found.
type Kind uint8

// What stands at the front of a buffer.
const (
	None    Kind = iota // more bytes are needed
	Message             // a whole message, all its frames
	Command             // one command frame
)

// Item is what stands at the front of a buffer of traffic.
type Item struct {
	Kind       Kind
	Start, End int // Message: buf[0:End], Start is 0; Command: buf[Start:End], with its header
	Need       int // None: how many bytes, counted from buf[0], must at least be there before there is more to find; > len(buf)
}

// Scanner cuts traffic (RFC 37: traffic = *(command | message)) into whole messages and commands. The zero Scanner has no limits. It
// remembers how much of an unfinished message it has seen, so a message of many frames that trickles in is not scanned twice.
//
// A command may stand between two frames of a message: libzmq's engine sends a PING as soon as its timer fires and takes frames, not
// messages, from its queue (stream_engine_base.cpp, timer_event and out_event). Then Start is not 0.
type Scanner struct {
	MaxFrame   int64 // bytes of a frame's body, like ZMQ_MAXMSGSIZE of zmq_setsockopt(3); 0 is no limit
	MaxMessage int64 // bytes of a whole message on the wire, headers included; 0 is no limit
	MaxFrames  int   // of one message; 0 is no limit
	MaxCommand int64 // bytes of a command's body; 0 is MaxFrame

	seen   int // bytes of complete frames of the unfinished message at the front
	frames int // how many they are
}

// Reset forgets an unfinished message, so that the Scanner can serve another connection.
func (s *Scanner) Reset() { s.seen, s.frames = 0, 0 }

// Next finds the first item of buf, which begins with the first byte that the caller has not consumed yet. After a Message the caller
// consumes buf[:End]. After a Command it removes buf[Start:End] and keeps what stands before. After None it comes again with more bytes
// behind the same ones. An error is final: it comes again on every call.
func (s *Scanner) Next(buf []byte) (Item, error) {
	pos := s.seen
	for {
		var end int
		if rest := buf[pos:]; len(rest) >= shortHeader && rest[0] <= flagMore && s.allowsShort(pos) {
			if end = pos + shortHeader + int(rest[1]); end > len(buf) {
				s.seen = pos
				return Item{Need: end}, nil
			}
		} else {
			item, err := s.other(buf, pos)
			if item.Kind != Message || err != nil {
				s.seen = pos
				return item, err
			}
			end = item.End
		}
		if buf[pos]&flagMore == 0 {
			s.Reset()
			return Item{Kind: Message, End: end}, nil
		}
		if s.frames+1 == s.MaxFrames {
			s.seen = pos
			return Item{}, errorf("peer sent a message of more frames than the limit, %d", s.MaxFrames)
		}
		s.frames++
		pos = end
	}
}

// allowsShort reports whether any short frame at pos is within the limits.
func (s *Scanner) allowsShort(pos int) bool {
	return (s.MaxFrame == 0 || s.MaxFrame >= maxShort) && (s.MaxMessage == 0 || s.MaxMessage-int64(pos) >= shortHeader+maxShort)
}

// other is the way of every frame that Next does not take itself: long ones, commands, and any near a limit. Of the item that it returns
// with Kind Message only End is meant: it is a frame of a message.
func (s *Scanner) other(buf []byte, pos int) (Item, error) {
	h, need, err := parseHeader(buf[pos:])
	if err != nil {
		return Item{}, err
	}
	if need > 0 {
		return Item{Need: pos + need}, nil
	}
	if err := s.check(h, pos); err != nil {
		return Item{}, err
	}
	end := pos + h.len + int(h.size)
	switch {
	case end > len(buf):
		return Item{Need: end}, nil
	case h.flags&flagCommand != 0:
		return Item{Kind: Command, Start: pos, End: end}, nil
	default:
		return Item{Kind: Message, End: end}, nil
	}
}

// check holds a header at pos against the limits. A command counts as a frame, not towards a message.
func (s *Scanner) check(h header, pos int) error {
	before := uint64(pos + h.len)
	switch {
	case s.MaxCommand > 0 && h.flags&flagCommand != 0 && h.size > uint64(s.MaxCommand):
		return errorf("peer sent a command of %d bytes, the limit is %d", h.size, s.MaxCommand)
	case s.MaxFrame > 0 && h.size > uint64(s.MaxFrame):
		return errorf("peer sent a frame of %d bytes, the limit is %d", h.size, s.MaxFrame)
	case h.size > math.MaxInt-before:
		return errorf("peer sent a frame of %d bytes, which no buffer can hold", h.size)
	case s.MaxMessage > 0 && h.flags&flagCommand == 0 && before+h.size > uint64(s.MaxMessage):
		return errorf("peer sent a message of at least %d bytes, the limit is %d", before+h.size, s.MaxMessage)
	}
	return nil
}
