package proxy

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

const (
	acceptBurst = 64                     // connections taken from one listener in one turn
	acceptRetry = 100 * time.Millisecond // after running out of descriptors
)

// listener is one bound port.
type listener struct {
	fd    int
	side  side
	bound endpoint.Endpoint
	retry time.Duration // when to accept again, after the process ran out of descriptors
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
	l.reports.warn("cannot accept connections for now", err.Error(), ln.bound.String())
	l.poll.remove(ln.fd)
	ln.retry = l.now + acceptRetry
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
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	c := &conn{
		fd:       fd,
		side:     ln.side,
		interest: unix.EPOLLIN | unix.EPOLLRDHUP,
		shake:    &zmtp.Handshake{},
		until:    l.now + l.opts.HandshakeTimeout,
		scan:     zmtp.Scanner{MaxFrame: l.opts.MaxMessage, MaxMessage: l.opts.MaxMessage},
	}
	if err := l.poll.add(fd, c.interest); err != nil {
		l.reports.warn("cannot take a connection", err.Error(), ln.bound.String())
		_ = unix.Close(fd)
		return
	}
	for len(l.conns) <= fd {
		l.conns = append(l.conns, nil)
	}
	l.conns[fd] = c
	l.shaking = append(l.shaking, c)
	c.out.copy(&l.pool, c.shake.Begin(l.roles[c.side], nil))
	l.mark(c)
}
