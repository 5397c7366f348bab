package proxy

import (
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// mark lists a connection for the flush at the end of the turn.
func (l *loop) mark(c *conn) {
	if !c.dirty && !c.closed {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
}

// settle does what the dispatcher decides and sends what that gives, until there is nothing more to do.
func (l *loop) settle() {
	for acted := true; acted; {
		acted = l.act()
		l.flush()
	}
	l.lanes.publish()
	if l.quiet {
		l.checkEmpty()
	}
}

// act does all that the dispatcher asks for now.
func (l *loop) act() (acted bool) {
	l.acting = true
	defer func() { l.acting = false }()
	for {
		a, ok := l.core.Next(l.now)
		if !ok {
			return acted
		}
		acted = true
		switch a.Kind {
		case dispatch.Deliver:
			l.deliver(a)
		case dispatch.Fail:
			l.fail(a)
		case dispatch.Discard:
			l.count.Abandoned++
			l.bury(a)
			l.pool.release(a.Message)
		case dispatch.Ejected:
			l.ejected(a.Lane.Data.(*conn).lane)
		case dispatch.Back:
			l.restored(a.Lane.Data.(*conn).lane)
		case dispatch.Stuck:
			l.stuck(a.Lane.Data.(*conn))
		case dispatch.Probe:
			l.probe(a)
		case dispatch.Unanswered:
			l.unanswered(a)
		case dispatch.Pause:
			l.pause(a.Client)
		case dispatch.Resume:
			l.resume(a.Client)
		case dispatch.Drained:
			l.lanes.drained(a.Lane.Data.(*conn).lane)
		}
	}
}

// flush writes once to every socket that has output.
func (l *loop) flush() {
	for i := 0; i < len(l.dirty); i++ {
		c := l.dirty[i]
		c.dirty = false
		l.dirty[i] = nil
		if !c.closed {
			l.send(c)
		}
	}
	l.dirty = l.dirty[:0]
}

// send writes what the socket takes and leaves the rest for when it takes more.
func (l *loop) send(c *conn) {
	if c.mute {
		c.out.discard(&l.pool)
	}
	unsent := c.out.bytes
	if e := c.out.write(c.fd, &l.pool, &l.vec); e != 0 && e != errAgain {
		l.cannotSend(c, e)
		return
	}
	if c.out.bytes == 0 {
		c.pongs = 0
	}
	if unsent > chunkFull && c.out.bytes < unsent {
		l.moved(c)
	}
	if c.choked && c.out.bytes <= l.opts.chokeAt()/2 {
		l.unchoke(c)
	}
	l.watch(c)
}

// cannotSend ends a client. A worker may have answered before it died: what it sent is read first, up to its end.
func (l *loop) cannotSend(c *conn, e unix.Errno) {
	if c.side == frontend || c.shake != nil {
		l.drop(c, e.Error())
		return
	}
	c.mute = true
	c.out.discard(&l.pool)
	l.watch(c)
}
