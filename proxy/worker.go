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
		if !l.probed(c, dispatch.Token(token), wire[n:]) {
			l.stray(c, dispatch.Token(token))
		}
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
	var client *dispatch.Client[*message]
	if !late && l.isError(wire) {
		client, _, _ = l.core.ReplyError(l.now, c.lane.core, dispatch.Token(token))
	} else {
		client, _, _ = l.core.Reply(l.now, c.lane.core, dispatch.Token(token))
	}
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

// stray drops a reply that answers nothing which this worker has. It may be a late one, and the last that brings its lane back.
func (l *loop) stray(c *conn, token dispatch.Token) {
	l.count.UnknownToken++
	l.reports.warn("dropped a reply whose token names no request of this worker", "", c.lane.peer)
	if l.core.Late(l.now, c.lane.core, token) {
		l.reports.info("a worker that was set aside has answered, and gets requests again", c.lane.peer)
		l.lanes.back(c.lane)
	}
}

// stuck sets a lane aside whose oldest request is past its timeout; that and the others go to other lanes. Its connection stays open: a
// hung REP would not notice the end, and libzmq would connect it again as a lane that seems idle. Whoever supervises the worker is told.
func (l *loop) stuck(c *conn) {
	l.count.Stuck++
	reason := fmt.Sprintf("a request is past its timeout of %v", l.opts.Dispatch.Timeout)
	l.reports.warn("set a worker aside", reason, c.lane.peer)
	l.charge(c.lane, reason)
	l.core.SetAside(l.now, c.lane.core)
	l.lanes.stuck(c.lane, reason)
}
