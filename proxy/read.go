package proxy

import (
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

const (
	// ownBuffer is the size from which an item is read into a buffer of its own instead of through the loop's scratch buffer.
	ownBuffer = scratchSize / 2
	// trust is how much memory a frame's header is believed for. Beyond that the buffer grows with what has come. Only so many connections
	// are believed at a time: nine bytes may not cost megabytes for each who sends them.
	trust     = 4 << 20
	trustMost = 16
	// maxGaps is how many bytes may be moved in one turn because commands stand inside of messages. libzmq puts a PING there now and then.
	maxGaps = 1 << 20
	// maxPongs is how many bytes of PONGs a peer may leave unread.
	maxPongs = 256 << 10
)

// read reads once from c and handles every whole item that is there.
func (l *loop) read(c *conn) {
	if len(c.in) > 0 && c.need > ownBuffer {
		l.readLarge(c)
		return
	}
	held := copy(l.scratch, c.in)
	n, e := read(c.fd, l.scratch[held:])
	if !l.came(c, n, e) {
		return
	}
	l.pool.put(l.letGo(c))
	l.take(c, l.scratch[:held+n])
}

// readLarge reads on into the item's own buffer, and what follows the item into the scratch buffer.
func (l *loop) readLarge(c *conn) {
	room := min(c.need, max(l.trust(c), 2*len(c.in)))
	c.in = l.pool.grow(c.in, room-len(c.in))
	free := c.in[len(c.in):room]
	l.vec.add(free)
	l.vec.add(l.scratch)
	n, e := l.vec.readv(c.fd)
	l.vec.clear()
	if !l.came(c, n, e) {
		return
	}
	own := min(n, len(free))
	c.in = c.in[:len(c.in)+own]
	if n < len(free) {
		return
	}
	l.takeLarge(c, l.scratch[:n-own])
}

// came says whether n bytes did; it ends a connection that did.
func (l *loop) came(c *conn, n int, e unix.Errno) bool {
	switch {
	case e == errAgain:
		return false
	case e != 0:
		l.drop(c, e.Error())
		return false
	case n == 0:
		l.drop(c, "closed by the peer")
		return false
	}
	l.moved(c)
	return true
}

// takeLarge handles the item in c.in when it is whole, without copying it, and then what came behind it.
func (l *loop) takeLarge(c *conn, rest []byte) {
	item, err := c.scan.Next(c.in)
	if err == nil && item.Kind == zmtp.Message && item.End == len(c.in) {
		buffer := l.letGo(c)
		l.message(c, buffer, buffer)
		l.take(c, rest)
		return
	}
	if err == nil && item.Kind == zmtp.None && len(rest) == 0 {
		c.need = item.Need
		return
	}
	l.takeOwn(c, append(l.pool.grow(l.letGo(c), len(rest)), rest...)) // the item goes on behind what its last header announced
}

// take handles the whole items in data, which is only lent, and keeps what is left of it for the next read.
func (l *loop) take(c *conn, data []byte) { l.keep(c, l.consume(c, data)) }

// takeOwn is take for a pooled buffer that is given away. An unfinished message at its front stays where it is: copied with every read, a
// message of many frames would cost the square of its size.
func (l *loop) takeOwn(c *conn, buffer []byte) {
	left := l.consume(c, buffer)
	if len(left) > 0 && &left[0] == &buffer[0] && !c.closed {
		c.in = left
		return
	}
	l.keep(c, left)
	l.pool.put(buffer)
}

// consume handles the whole items in data and gives back what is left of it.
func (l *loop) consume(c *conn, data []byte) []byte {
	gaps := 0
	for len(data) > 0 && !c.closed && c.reading() {
		if c.shake != nil {
			n, more := l.handshake(c, data)
			data = data[n:]
			if !more {
				break
			}
			continue
		}
		item, err := c.scan.Next(data)
		if err != nil {
			l.bad(c, err.Error())
			break
		}
		c.need = item.Need
		switch item.Kind {
		case zmtp.Message:
			l.message(c, data[:item.End], nil)
			data = data[item.End:]
		case zmtp.Command:
			l.command(c, data[item.Start:item.End])
			data = closeGap(data, item, &gaps)
			if gaps > maxGaps {
				l.bad(c, "it sends commands inside of messages without end")
			}
		default:
			return data
		}
	}
	return data
}

// closeGap takes a command out of the message that it came amidst: what is shorter is moved, before it or behind it.
func closeGap(data []byte, command zmtp.Item, moved *int) []byte {
	before, behind := data[:command.Start], data[command.End:]
	if len(before) <= len(behind) {
		*moved += len(before)
		copy(data[command.End-len(before):], before)
		return data[command.End-len(before):]
	}
	*moved += len(behind)
	return append(before, behind...)
}

// keep holds bytes for the next read. A large item gets a buffer for all of it at once, as far as its header is trusted.
func (l *loop) keep(c *conn, data []byte) {
	if len(data) == 0 || c.closed {
		return
	}
	size := len(data)
	if c.need > ownBuffer {
		size = max(size, min(c.need, l.trust(c)))
	}
	c.in = append(l.pool.get(size), data...)
}

// trust is how many bytes a buffer for c may have that have not come yet.
func (l *loop) trust(c *conn) int {
	if !c.trusted && l.trusted < trustMost {
		c.trusted = true
		l.trusted++
	}
	if c.trusted {
		return trust
	}
	return scratchSize
}

// letGo takes the bytes that are held for c, in their pooled buffer.
func (l *loop) letGo(c *conn) []byte {
	held := c.in
	c.in = nil
	if c.trusted {
		c.trusted = false
		l.trusted--
	}
	return held
}

// message handles one whole message. Buffer is the pooled buffer that wire lies in when it is c's to give away, else nil.
func (l *loop) message(c *conn, wire, buffer []byte) {
	if c.side == frontend {
		l.request(c, wire, buffer)
	} else {
		l.reply(c, wire, buffer)
	}
}

// command handles a command frame between messages. Those that we do not know are ignored (RFC 37, section "Commands").
func (l *loop) command(c *conn, frame []byte) {
	name, data, err := zmtp.ParseCommand(frame)
	if err != nil {
		l.bad(c, err.Error())
		return
	}
	switch name {
	case zmtp.Ping:
		_, context, err := zmtp.ParsePing(data)
		if err != nil {
			l.bad(c, err.Error())
			return
		}
		l.pong(c, zmtp.AppendPong(nil, context))
	case "ERROR":
		l.drop(c, "the peer sent ERROR")
	}
}

// pong answers a PING. Who sends them without end and does not read would have us hold the answers for ever.
func (l *loop) pong(c *conn, pong []byte) {
	if c.pongs += len(pong); c.pongs > maxPongs {
		l.bad(c, "it sends PINGs and does not read the answers")
		return
	}
	l.out(c, pong)
}

// out queues bytes for c, which are copied.
func (l *loop) out(c *conn, b []byte) {
	if c.mute || c.closed {
		return
	}
	c.out.copy(&l.pool, b)
	l.mark(c)
}
