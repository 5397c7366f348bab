package proxy

import (
	"math/bits"
	"time"

	"github.com/zfleet/zfleet/internal/dead"
)

// Buffers come in powers of two. Those of the larger classes are kept too: a fresh megabyte has to be cleared and faulted in, which costs
// more than moving the message.
const (
	smallestClass = 6  // 64 bytes
	largestClass  = 24 // 16 MiB; larger ones are left to the collector
)

// pool keeps buffers and messages between uses. It belongs to one loop, so it needs no locks.
type pool struct {
	free     [largestClass + 1][][]byte
	idle     int // bytes in free
	keep     int // the most that may lie idle
	messages []*message
	gone     uint64 // bytes that were let go of, ever
}

// kept is how many buffers of one class may lie idle, and how many messages. Without it a burst of small ones would take all that may be
// kept, and be long to look through.
const kept = 1 << 14

// class of the smallest buffer that holds n bytes.
func class(n int) int {
	return max(smallestClass, bits.Len(uint(max(n, 1)-1)))
}

// get gives an empty buffer of capacity n or more.
func (p *pool) get(n int) []byte {
	k := class(n)
	if k > largestClass {
		return make([]byte, 0, n)
	}
	if last := len(p.free[k]) - 1; last >= 0 {
		b := p.free[k][last]
		p.free[k][last] = nil
		p.free[k] = p.free[k][:last]
		p.idle -= cap(b)
		return b
	}
	return make([]byte, 0, 1<<k)
}

// put takes a buffer back that get gave.
func (p *pool) put(b []byte) {
	k := class(cap(b))
	if k > largestClass || cap(b) != 1<<k || p.idle+cap(b) > p.keep || len(p.free[k]) == kept {
		p.gone += uint64(cap(b))
		return
	}
	p.free[k] = append(p.free[k], b[:0])
	p.idle += cap(b)
}

// trim lets go of half of what lies idle. The loop calls it now and then.
func (p *pool) trim() {
	for k, list := range p.free {
		keep := len(list) / 2
		for _, b := range list[keep:] {
			p.idle -= cap(b)
			p.gone += uint64(cap(b))
		}
		p.free[k] = append(make([][]byte, 0, keep), list[:keep]...)
	}
	keep := len(p.messages) / 2
	p.messages = append(make([]*message, 0, keep), p.messages[:keep]...)
}

// grow gives b room for n more bytes.
func (p *pool) grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	larger := append(p.get(max(len(b)+n, 2*cap(b))), b...)
	p.put(b)
	return larger
}

// message is one request or one large reply: wire bytes that several places refer to (the dispatcher until it is answered, the output of a
// lane or client until it is sent). The last one to release it gives the buffer back.
type message struct {
	data     []byte // from the first frame's header to the last frame's end, without token
	envelope int    // of a request: length of data up to and including the delimiter
	buffer   []byte // what the pool gave; data lies in it
	refs     int

	arrived  time.Duration  // of a request, as loop.now
	attempts []dead.Attempt // likewise: workers that ended with it
}

// copied makes a message of bytes that belong to somebody else.
func (p *pool) copied(wire []byte) *message {
	b := append(p.get(len(wire)), wire...)
	return p.adopted(b, b)
}

// adopted makes a message of data in a buffer of this pool, which it takes over.
func (p *pool) adopted(data, buffer []byte) *message {
	last := len(p.messages) - 1
	if last < 0 {
		return &message{data: data, buffer: buffer, refs: 1}
	}
	m := p.messages[last]
	p.messages = p.messages[:last]
	m.data, m.buffer, m.refs = data, buffer, 1 // one by one: a copy of the whole costs as much as the rest of a short message's way
	return m
}

func (p *pool) release(m *message) {
	m.refs--
	if m.refs > 0 {
		return
	}
	p.put(m.buffer)
	m.data, m.buffer, m.envelope, m.attempts = nil, nil, 0, nil
	if len(p.messages) < kept {
		p.messages = append(p.messages, m)
	}
}
