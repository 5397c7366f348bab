package proxy

import (
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// request takes one message of a client.
func (l *loop) request(c *conn, wire, buffer []byte) {
	l.count.Requests++
	envelope, ok := zmtp.Envelope(wire)
	if !ok {
		l.noEnvelope(c)
		l.pool.put(buffer)
		return
	}
	var m *message
	if buffer != nil {
		m = l.pool.adopted(wire, buffer)
	} else {
		m = l.pool.copied(wire)
	}
	m.envelope, m.arrived = envelope, l.now
	if l.opts.Dispatch.Reject && l.core.Full() && !l.acting {
		l.act() // lanes that have answered in this turn take from the queue before anything is rejected
	}
	if c.closed { // it does not read its error replies
		l.count.Abandoned++
		l.pool.release(m)
		return
	}
	l.core.Request(l.now, c.client, m, len(wire))
	if l.core.Full() && !l.acting {
		l.act() // the rest of what was read from a flood is not taken then
	}
}

// noEnvelope drops a request without delimiter: a REP would discard it without a word (rep.cpp, xrecv).
func (l *loop) noEnvelope(c *conn) {
	l.count.NoEnvelope++
	if !c.complained {
		c.complained = true
		l.reports.warnOf(c, "dropped a request without an empty delimiter frame: a REQ sends one, a DEALER has to", "")
	}
}

// answer gives a client a reply. Buffer is the pooled buffer that wire lies in when it is ours to hold on to, else nil.
func (l *loop) answer(c *conn, wire, buffer []byte) {
	if c.out.bytes > int(l.opts.ClientBuffer) {
		l.count.SlowClients++
		l.reports.warnOf(c, "dropped a client that does not read its replies", "")
		l.drop(c, "does not read its replies")
		l.pool.put(buffer)
		return
	}
	l.count.Replies++
	l.forward(c, wire, buffer)
	if !c.choked && c.out.bytes > l.opts.chokeAt() {
		c.choked = true
	}
}

// forward queues a message: short ones are copied, long ones are held until they are sent.
func (l *loop) forward(c *conn, wire, buffer []byte) {
	if buffer == nil || len(wire) <= copyLimit {
		c.out.copy(&l.pool, wire)
		l.pool.put(buffer)
	} else {
		m := l.pool.adopted(wire, buffer)
		c.out.refer(m, wire)
		l.pool.release(m)
	}
	l.mark(c)
}

// fail answers a request with an error in the client's own envelope.
func (l *loop) fail(a dispatch.Action[*message]) {
	l.count.Failed++
	if a.Cause == dispatch.Rejected {
		l.count.Rejected++
	}
	m := a.Message
	wire := append(l.pool.get(m.envelope+512), m.data[:m.envelope]...)
	wire = zmtp.AppendFrame(wire, false, l.opts.ErrorReply.Frame(l.errorFor(a)))
	l.answer(a.Client.Data.(*conn), wire, nil)
	l.pool.put(wire)
	l.bury(a)
	l.pool.release(m)
}

// pause stops reading from a client whose requests fill the queue.
func (l *loop) pause(client *dispatch.Client[*message]) {
	c := client.Data.(*conn)
	c.paused = true
	l.watch(c)
}

// resume reads on, beginning with what had been read already.
func (l *loop) resume(client *dispatch.Client[*message]) {
	c := client.Data.(*conn)
	c.paused = false
	l.goOn(c)
}

// unchoke reads on from a client that has taken its replies.
func (l *loop) unchoke(c *conn) {
	c.choked = false
	l.goOn(c)
}

// goOn handles what a connection that was not read for a while had sent before, and watches for more.
func (l *loop) goOn(c *conn) {
	if c.reading() && len(c.in) > 0 {
		l.takeOwn(c, l.letGo(c))
	}
	l.watch(c)
}
