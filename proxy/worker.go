package proxy

import (
	"fmt"

	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// deliver sends a request to a lane, with its token in front of the client's own envelope.
func (l *loop) deliver(a dispatch.Action[*message]) {
	c := a.Lane.Data.(*conn)
	var token [zmtp.TokenFrame]byte
	zmtp.AppendToken(token[:0], uint64(a.Token))
	if data := a.Message.data; len(data) <= copyLimit {
		c.out.join(&l.pool, token[:], data)
	} else {
		c.out.copy(&l.pool, token[:])
		c.out.refer(a.Message, data)
	}
	l.mark(c)
}

// reply gives a worker's reply to the client whose request its token names.
func (l *loop) reply(c *conn, wire, buffer []byte) {
	token, n, ok := zmtp.Token(wire)
	var request *message
	if ok {
		request, ok = l.core.Message(c.lane.core, dispatch.Token(token))
	}
	if !ok {
		l.count.UnknownToken++
		l.reports.warnOf(c, "dropped a reply whose token names no request of this worker", "")
		l.pool.put(buffer)
		return
	}
	wire = wire[n:]
	late := request == nil // it was overdue, and its client has been told
	if !late && !zmtp.HasEnvelope(wire, request.data[:request.envelope]) {
		// Given to a REQ it would end that client's connection for good (req.cpp, push_msg). The request is still unanswered.
		l.bad(c, "a reply came back in another envelope than its request's")
		l.pool.put(buffer)
		return
	}
	client, _, _ := l.core.Reply(l.now, c.lane.core, dispatch.Token(token))
	if !late {
		l.pool.release(request)
	}
	if client == nil {
		l.count.Abandoned++
		l.pool.put(buffer)
		return
	}
	l.answer(client.Data.(*conn), wire, buffer)
}

// stuck ends a lane whose oldest request is past its timeout; that and the others go to other lanes. A hung REP does not notice: its
// connection is closed so that a late reply cannot come, and whoever supervises the worker is told before.
func (l *loop) stuck(c *conn) {
	l.count.Stuck++
	reason := fmt.Sprintf("a request is past its timeout of %v", l.opts.Dispatch.Timeout)
	l.reports.warn("closed a worker's connection", reason, c.lane.peer)
	l.lanes.stuck(c.lane, reason)
	l.drop(c, reason)
}
