package proxy

import (
	"crypto/subtle"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

// workerSecret checks the PLAIN password of workers. With no secret any name is taken at its word, as NULL peers are.
func workerSecret(secret string) func(username, password []byte) error {
	return func(_, password []byte) error {
		if secret != "" && subtle.ConstantTimeCompare(password, []byte(secret)) != 1 {
			return errors.New("wrong password")
		}
		return nil
	}
}

// anybody lets PLAIN clients in as NULL ones are: the frontend asks nobody who they are.
func anybody(_, _ []byte) error { return nil }

// handshake feeds greeting and handshake; more says whether traffic may follow in the same bytes.
func (l *loop) handshake(c *conn, data []byte) (n int, more bool) {
	n, answer, done, err := c.shake.Feed(data, nil)
	if len(answer) > 0 {
		l.out(c, answer)
	}
	if err != nil {
		l.bad(c, err.Error())
		return n, false
	}
	if !done {
		return n, false
	}
	l.established(c, c.shake.Peer())
	return n, true
}

// established makes a client or a lane of a connection whose handshake is done.
func (l *loop) established(c *conn, peer zmtp.Peer) {
	c.shake = nil
	if c.side == backend {
		c.lane = l.lanes.up(l, c, peer)
		return
	}
	c.client = l.core.Join()
	c.client.Data = c
	l.clients++
	if l.quiet {
		l.watch(c)
	}
}

// bad ends a connection whose peer broke the rules: its last words, such as an ERROR command, are sent if the socket takes them.
func (l *loop) bad(c *conn, reason string) {
	if c.closed {
		return
	}
	l.count.BadPeers++
	l.reports.warnOf(c, "closed a connection", reason)
	if e := c.out.write(c.fd, &l.pool, &l.vec); e != 0 {
		reason += "; " + e.Error()
	}
	l.drop(c, reason)
}

// drop ends a connection. A client's waiting requests are dropped with it; a lane's unanswered requests go to other lanes.
func (l *loop) drop(c *conn, reason string) {
	if c.closed {
		return
	}
	c.closed = true
	l.conns[c.fd] = nil
	l.poll.remove(c.fd) // closing alone does not, where another process has the connection too
	l.cutOff(c)
	_ = unix.Close(c.fd)
	l.open--
	l.pool.put(l.letGo(c))
	c.out.discard(&l.pool)
	if c.client != nil {
		l.core.Leave(c.client)
		l.clients--
	}
	if c.lane != nil {
		l.lose(c.lane, reason)
		l.lanes.down(c.lane, reason)
	}
}

// lose takes back what a lane held that has ended. Supervised workers end with their supervisor: that is the fault of no request.
func (l *loop) lose(ln *lane, reason string) {
	if _, _, holds := ln.core.Oldest(); holds && (ln.orphan || ln.worker != "" && l.opts.Alone()) {
		if l.opts.Dispatch.Once { // it ends with the lane all the same: its dead letter says where
			l.charge(ln, reason)
		}
		l.core.Withdrawn(l.now, ln.core)
		return
	}
	l.charge(ln, reason)
	l.core.Lost(l.now, ln.core)
}
