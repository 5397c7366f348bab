package proxy

import "golang.org/x/sys/unix"

const (
	chunkSize = 4 << 10  // first capacity of a chunk
	chunkFull = 64 << 10 // a chunk that holds this much is followed by another
	copyLimit = 16 << 10 // longer messages are referred to, not copied
	gatherMax = 32       // buffers in one writev
)

// outbox is what a connection still has to be sent: chunks of copied bytes, and references to large messages, in order.
type outbox struct {
	parts []part
	bytes int // unsent, in all parts
}

type part struct {
	data    []byte   // unsent
	chunk   []byte   // the pooled buffer that data lies in, when it is ours to append to
	message *message // or the message that it belongs to
}

// copy appends bytes that belong to somebody else.
func (o *outbox) copy(p *pool, b []byte) {
	c := o.chunk(p, len(b))
	c.chunk = append(c.chunk, b...)
	c.data = c.chunk[len(c.chunk)-len(c.data)-len(b):]
	o.bytes += len(b)
}

// join appends two runs of such bytes at once: a token and the request behind it.
func (o *outbox) join(p *pool, a, b []byte) {
	n := len(a) + len(b)
	c := o.chunk(p, n)
	c.chunk = append(append(c.chunk, a...), b...)
	c.data = c.chunk[len(c.chunk)-len(c.data)-n:]
	o.bytes += n
}

// refer appends data of m without copying it, and holds m until it is sent.
func (o *outbox) refer(m *message, data []byte) {
	m.refs++
	o.parts = append(o.parts, part{data: data, message: m})
	o.bytes += len(data)
}

// chunk gives the last part, with room for n more bytes.
func (o *outbox) chunk(p *pool, n int) *part {
	if last := len(o.parts) - 1; last >= 0 && o.parts[last].chunk != nil && len(o.parts[last].chunk)+n <= chunkFull {
		c := &o.parts[last]
		if cap(c.chunk)-len(c.chunk) < n {
			c.chunk = p.grow(c.chunk, n)
			c.data = c.chunk[len(c.chunk)-len(c.data):]
		}
		return c
	}
	o.parts = append(o.parts, part{chunk: p.get(max(n, chunkSize))})
	return &o.parts[len(o.parts)-1]
}

// write sends what the socket takes, in one system call when there is one buffer, and says EAGAIN when something is left.
func (o *outbox) write(fd int, p *pool, v *vector) unix.Errno {
	for o.bytes > 0 {
		n, e := o.writeOnce(fd, v)
		if e != 0 {
			return e
		}
		asked := min(o.bytes, o.gathered())
		o.sent(n, p)
		if n < asked {
			return errAgain
		}
	}
	return 0
}

func (o *outbox) writeOnce(fd int, v *vector) (int, unix.Errno) {
	if len(o.parts) == 1 && len(o.parts[0].data) <= chunkFull {
		return write(fd, o.parts[0].data)
	}
	for _, part := range o.parts[:min(len(o.parts), gatherMax)] {
		v.add(part.data)
	}
	n, e := v.writev(fd)
	v.clear()
	return n, e
}

// gathered is how many bytes one write is asked to send.
func (o *outbox) gathered() (n int) {
	for _, part := range o.parts[:min(len(o.parts), gatherMax)] {
		n += len(part.data)
	}
	return n
}

// sent drops the first n bytes.
func (o *outbox) sent(n int, p *pool) {
	o.bytes -= n
	done := 0
	for ; done < len(o.parts) && n >= len(o.parts[done].data); done++ {
		n -= len(o.parts[done].data)
		o.parts[done].release(p)
	}
	if n > 0 {
		o.parts[done].data = o.parts[done].data[n:]
	}
	left := copy(o.parts, o.parts[done:])
	clear(o.parts[left:])
	o.parts = o.parts[:left]
}

// discard drops everything.
func (o *outbox) discard(p *pool) {
	for i := range o.parts {
		o.parts[i].release(p)
	}
	*o = outbox{}
}

func (t *part) release(p *pool) {
	if t.message != nil {
		p.release(t.message)
	} else {
		p.put(t.chunk)
	}
}
