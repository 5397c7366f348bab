package proxy

import (
	"errors"
	"math"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

const (
	acceptBurst = 64                     // connections taken from one listener in one turn
	acceptRetry = 100 * time.Millisecond // after running out of descriptors
	acceptWarn  = 10 * time.Second       // how often that is told
	acceptHaste = time.Second            // how long a handshake may take when descriptors are short

	ownFiles   = 64 // descriptors that connections leave to the proxy itself: its log, its control socket, /proc
	maxCommand = 64 << 10
	maxFrames  = 1 << 16 // of one message: libzmq takes 64 bytes for a frame of two
)

var errNoRoom = errors.New("it has as many as its limit of open files leaves room for")

// listener is one bound port.
type listener struct {
	fd    int
	side  side
	bound endpoint.Endpoint
	retry time.Duration // when to accept again, after the process ran out of descriptors
	told  time.Duration // when that was said last
}

func (l *loop) listen(ln *endpoint.Listener, s side) {
	if l.fatal != nil {
		return
	}
	l.fatal = l.poll.add(ln.FD(), unix.EPOLLIN)
	l.listeners = append(l.listeners, &listener{fd: ln.FD(), side: s, bound: ln.Bound()})
	l.bound[s] = append(l.bound[s], ln.Bound().String())
}

// accept takes the connections that wait, some of them.
func (l *loop) accept(ln *listener) {
	for range acceptBurst {
		if l.open >= l.room[ln.side] {
			l.listenLater(ln, errNoRoom)
			return
		}
		fd, addr, err := unix.Accept4(ln.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			l.accepted(ln, fd, addr)
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			l.listenLater(ln, err)
			return
		case errors.Is(err, unix.EAGAIN):
			return
		default: // that one connection failed before it was taken (accept(2), "Error handling")
		}
	}
}

// listenLater leaves connections in the backlog for a moment: with level-triggered events the loop would spin on what it cannot take.
func (l *loop) listenLater(ln *listener, err error) {
	if ln.told == 0 || l.now-ln.told > acceptWarn {
		ln.told = l.now
		l.reports.warn("cannot accept connections for now", err.Error(), ln.bound.String())
	}
	l.poll.remove(ln.fd)
	ln.retry = l.now + acceptRetry
	l.endHandshakes(func(c *conn) bool { return l.now-c.since >= acceptHaste }, "the handshake took too long while descriptors are short")
}

func (l *loop) listenAgain(ln *listener) {
	ln.retry = 0
	l.fatal = l.poll.add(ln.fd, unix.EPOLLIN)
}

// deafen accepts no more connections on one side.
func (l *loop) deafen(s side) {
	l.listeners = slices.DeleteFunc(l.listeners, func(ln *listener) bool {
		if ln.side == s && ln.retry == 0 {
			l.poll.remove(ln.fd)
		}
		return ln.side == s
	})
}

// accepted begins the handshake of a new connection.
func (l *loop) accepted(ln *listener, fd int, addr unix.Sockaddr) {
	if _, ip := addr.(*unix.SockaddrUnix); !ip {
		tune(fd)
	}
	c := l.newConn(fd, ln.side)
	c.interest, c.shake = unix.EPOLLIN|unix.EPOLLRDHUP, &zmtp.Handshake{}
	c.since, c.until = l.now, l.now+l.opts.HandshakeTimeout
	if err := l.poll.add(fd, c.interest); err != nil {
		l.reports.warn("cannot take a connection", err.Error(), ln.bound.String())
		_ = unix.Close(fd)
		return
	}
	l.hold(c)
	if len(l.shaking) == cap(l.shaking) { // one that lasts would have all later ones kept
		l.shaking = slices.DeleteFunc(l.shaking, func(c *conn) bool { return c.closed || c.shake == nil })
	}
	l.shaking = append(l.shaking, c)
	c.out.copy(&l.pool, c.shake.Begin(l.roles[c.side], nil))
	l.mark(c)
}

// tune sets what our TCP connections need. A client on a machine that is gone sends nothing and is sent nothing, for ever: only the kernel
// can ask, and does after a minute (tcp(7)).
func tune(fd int) {
	for option, value := range map[int]int{unix.TCP_NODELAY: 1, unix.TCP_KEEPIDLE: 60, unix.TCP_KEEPINTVL: 10, unix.TCP_KEEPCNT: 6} {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, option, value)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}

// descriptors is how many files this process may have open. The Go runtime has raised the soft limit to the hard one (package os).
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return int(min(limit.Cur, math.MaxInt32))
}

// roomFor shares descriptors out: clients, however many, leave some to workers, and both leave some to the proxy itself.
func roomFor(limit int) (room [2]int) {
	room[backend] = max(limit-ownFiles, limit/2)
	room[frontend] = room[backend] - room[backend]/8
	return room
}
