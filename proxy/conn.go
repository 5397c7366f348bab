package proxy

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// side is which port a connection came in by.
type side uint8

const (
	frontend side = iota // a client on a ROUTER port
	backend              // a worker on a DEALER port
)

// conn is one connection, of a client or of a worker. Everything about it happens on the loop.
type conn struct {
	fd     int
	side   side
	closed bool
	dirty  bool // listed for the flush at the end of this turn
	mute   bool // the peer takes nothing any more; what it sent is still read

	interest uint32          // what epoll watches for
	shake    *zmtp.Handshake // until it is done
	since    time.Duration   // when it was accepted
	until    time.Duration   // when the handshake must be done
	scan     zmtp.Scanner
	in       []byte // bytes read that do not make a whole item yet, in a pooled buffer
	need     int    // bytes that the item at in[0] is known to need
	trusted  bool   // in may be larger than what has come
	pongs    int    // bytes of PONGs since all output was sent
	out      outbox

	client     *dispatch.Client[*message] // of an established frontend connection
	paused     bool                       // by the dispatcher: its queue is full
	choked     bool                       // it does not read its replies as fast as it asks
	complained bool                       // about a request without delimiter

	lane *lane // of an established backend connection
}

// reading says whether more of the connection's bytes are wanted now.
func (c *conn) reading() bool { return !c.paused && !c.choked }

// watch tells epoll what c waits for, when that has changed.
func (l *loop) watch(c *conn) {
	if want := l.wanted(c); want != c.interest && !c.closed {
		c.interest = want
		l.poll.modify(c.fd, want)
	}
}

// wanted is what c waits for.
func (l *loop) wanted(c *conn) uint32 {
	want := uint32(unix.EPOLLRDHUP)
	if c.reading() && !(l.quiet && c.side == frontend) {
		want |= unix.EPOLLIN
	}
	if c.out.bytes > 0 && !c.mute {
		want |= unix.EPOLLOUT
	}
	return want
}

// newConn is a connection of which nothing is known.
func (l *loop) newConn(fd int, s side) *conn {
	return &conn{
		fd:   fd,
		side: s,
		scan: zmtp.Scanner{MaxFrame: l.opts.MaxMessage, MaxMessage: l.opts.MaxMessage, MaxFrames: maxFrames,
			MaxCommand: min(maxCommand, l.opts.MaxMessage)},
	}
}

// hold counts a connection as one of the loop's.
func (l *loop) hold(c *conn) {
	for len(l.conns) <= c.fd {
		l.conns = append(l.conns, nil)
	}
	l.conns[c.fd] = c
	l.open++
}
