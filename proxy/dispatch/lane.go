package dispatch

import (
	"cmp"
	"time"
)

// Lane is one worker connection on the backend. Its pointer is its name; it must not be used after Lost.
type Lane[M any] struct {
	Data any // the shell's own; a string or a fmt.Stringer is shown by Describe

	all    node[Lane[M]] // in Dispatcher.lanes
	place  node[Lane[M]] // in a bucket while it has room, in Dispatcher.drained when that is due, in spare
	clock  node[Lane[M]] // in Dispatcher.timed
	pulse  node[Lane[M]] // in Dispatcher.fresh, resting, probed or silent, while it has nothing to do
	term   node[Lane[M]] // in Dispatcher.ejected while it is
	news   node[Lane[M]] // in Dispatcher.verdicts
	bucket int           // -1 when in none
	behind bool          // it is one of Dispatcher.doubtful, or was

	id          uint64
	held        list[request[M]] // unanswered, oldest first
	outstanding int
	allowance   int
	answered    uint64
	service     time.Duration // smoothed
	since       time.Duration // when it last answered a request, or got one while idle: a service is measured from here
	busy        time.Duration // until since
	began       time.Duration // when it can have begun on its oldest request, if timed: like since, but for replies before their turn
	draining    bool
	onHold      bool
	stuck       bool          // on its oldest request, and Next has said so
	owed        []Token       // that it has to answer before it is back, when it is set aside
	pulsed      time.Duration // since when it is in that list
	probe       Token         // that it has to answer; 0: none
	failures    int           // of probes, in a row

	standing
}

// Outstanding returns how many requests the lane holds unanswered.
func (l *Lane[M]) Outstanding() int { return l.outstanding }

// Answered returns how many requests the lane has answered.
func (l *Lane[M]) Answered() uint64 { return l.answered }

// Allowance returns how many requests the lane may hold at present, unless it is ejected. It may hold more for a while after its allowance
// has shrunk.
func (l *Lane[M]) Allowance() int {
	if l.curbed {
		return 1
	}
	return l.allowance
}

// Draining says that Drain was called for this lane.
func (l *Lane[M]) Draining() bool { return l.draining }

// Oldest returns the message of the lane's oldest request, and when the lane can have begun on it: if the lane is Lost or set aside now, that
// request is charged with it. Not ok: the lane holds none, or its deadline has passed.
func (l *Lane[M]) Oldest() (m M, since time.Duration, ok bool) {
	r := l.held.front()
	if r == nil || r.late {
		return m, 0, false
	}
	return r.message, l.since, true
}

// Up adds a lane that can take requests. With adaptive prefetch it gets one at a time until it has answered one.
func (d *Dispatcher[M]) Up() *Lane[M] {
	d.upped++
	d.nlanes++
	l := &Lane[M]{id: d.upped, bucket: -1, allowance: cmp.Or(d.cfg.Prefetch, 1)}
	l.all.owner, l.place.owner, l.clock.owner, l.pulse.owner, l.term.owner, l.news.owner = l, l, l, l, l, l
	l.held.init()
	d.lanes.pushBack(&l.all)
	d.place(l)
	return l
}

// Reply says that lane l answered t. It returns the request's client, nil when that has left, and its message, which the shell releases.
// Not ok: t names nothing that l has to answer (never given out, answered already, lost meanwhile, of another lane), and nothing has
// changed; Late is for those of a lane that is set aside. Of a request that Next has ended at its deadline neither client nor message is
// left, and there is nothing to release.
// A stuck lane's late reply is as good as any; with the one to its oldest request the lane is no longer stuck.
func (d *Dispatcher[M]) Reply(now time.Duration, l *Lane[M], t Token) (c *Client[M], m M, ok bool) {
	return d.reply(now, l, t, false)
}

// ReplyError is Reply for a reply which says that the worker could not do what it should. With Config.Eject that is held against the lane.
func (d *Dispatcher[M]) ReplyError(now time.Duration, l *Lane[M], t Token) (c *Client[M], m M, ok bool) {
	return d.reply(now, l, t, true)
}

func (d *Dispatcher[M]) reply(now time.Duration, l *Lane[M], t Token, failed bool) (c *Client[M], m M, ok bool) {
	r := d.find(l, t)
	if r == nil {
		return nil, m, false
	}
	took := d.adapt(now, l)
	l.answered++
	d.answered++
	l.outstanding--
	d.outstanding--
	r.client.outstanding--
	if !r.client.left && !r.late {
		c = r.client
	}
	m = r.message
	oldest := r == l.held.front()
	if d.cfg.Eject > 0 {
		d.judge(now, l, r.client, took, failed)
	}
	d.slab.put(r)
	if oldest { // a reply to a later one is no news of this one, which must not wait for ever
		d.begin(now, l)
	}
	d.place(l)
	return c, m, true
}

// Message returns the message that t names, if lane l has it to answer; the zero M when its deadline has passed. Nothing changes: the shell
// may look before it calls Reply.
func (d *Dispatcher[M]) Message(l *Lane[M], t Token) (m M, ok bool) {
	r := d.find(l, t)
	if r == nil {
		return m, false
	}
	return r.message, true
}

// find returns the request that t names, or nil when lane l does not have it to answer.
func (d *Dispatcher[M]) find(l *Lane[M], t Token) *request[M] {
	r := d.slab.at(uint32(t))
	if r == nil || r.lane != l || r.delivery != uint32(t>>32) {
		return nil
	}
	return r
}

// adapt learns from a reply at now. A reply before its turn is measured like one in its turn: what counts is how fast the lane works.
func (d *Dispatcher[M]) adapt(now time.Duration, l *Lane[M]) (took time.Duration) {
	took = max(now-l.since, 0)
	l.service = smooth(l.service, took, l.answered == 0)
	l.busy += took
	l.since = now
	if d.cfg.Prefetch == 0 {
		l.allowance = allowance(d.cfg.Target, l.service)
	}
	return took
}

// Drain gives lane l nothing new. Once it holds nothing, at once if so, Next says Drained, one time. A second Drain changes nothing.
func (d *Dispatcher[M]) Drain(l *Lane[M]) {
	if l.draining {
		return
	}
	l.draining = true
	d.place(l)
}

// hasRoom says that the lane may get a request.
func (l *Lane[M]) hasRoom() bool {
	return l.Able() && l.fault == 0 && l.probe == 0 && l.outstanding < l.Allowance()
}

// place puts a lane where it belongs after a change in what it holds or may hold.
func (d *Dispatcher[M]) place(l *Lane[M]) {
	d.unplace(l)
	if d.cfg.Probe > 0 {
		d.attend(l)
	}
	if d.cfg.Eject > 0 {
		d.countAble(l)
	}
	switch {
	case l.draining:
		if l.outstanding == 0 {
			d.drained.pushBack(&l.place)
		}
	case l.hasRoom():
		d.offer(l)
	case l.isSpare():
		d.spare.pushBack(&l.place)
	}
}

// offer puts a lane that has room where it is found.
func (d *Dispatcher[M]) offer(l *Lane[M]) {
	if l.behind = l.doubted; l.behind {
		d.doubtful.add(l)
	} else {
		d.free.add(l)
	}
}

func (d *Dispatcher[M]) unplace(l *Lane[M]) {
	if l.behind {
		d.doubtful.remove(l)
	} else {
		d.free.remove(l)
	}
	l.place.unlink()
}

// roomiest returns the lane that holds least, a doubtful one only if no other has room; nil when none has.
func (d *Dispatcher[M]) roomiest() *Lane[M] {
	if l := d.free.least(); l != nil {
		return l
	}
	return d.doubtful.least()
}

// Lost removes a lane that has ended. What it held unanswered goes back to the front of its clients' queues, oldest first. A REP works on
// one request at a time and in order, so only the oldest can have been the end of it: that alone is charged a strike, and comes back as
// Fail at the last one; with Config.Once, at the first. Requests of clients that left come back as Discard, those that Next has ended at
// their deadline not at all. There is no Drained for a lost lane, and the pointer must not be used again.
func (d *Dispatcher[M]) Lost(now time.Duration, l *Lane[M]) { d.remove(now, l, true) }

// Withdrawn is Lost for a lane that was ended for a reason of its own, whatever it held: nothing is charged.
func (d *Dispatcher[M]) Withdrawn(now time.Duration, l *Lane[M]) { d.remove(now, l, false) }

func (d *Dispatcher[M]) remove(now time.Duration, l *Lane[M], charge bool) {
	d.unplace(l)
	l.clock.unlink()
	l.pulse.unlink()
	l.all.unlink()
	d.nlanes--
	d.goneBusy += l.Busy(now)
	d.takeBack(l, charge)
	if d.cfg.Eject > 0 {
		d.forget(l)
	}
}

// takeBack ends or queues again all that a lane holds, and charges the oldest or none.
func (d *Dispatcher[M]) takeBack(l *Lane[M], charge bool) {
	d.outstanding -= l.outstanding
	l.outstanding = 0
	if r := l.held.front(); r != nil && charge {
		r.strikes++
	}
	for r := l.held.front(); r != nil; { // oldest first, so that their clients take turns in that order
		next := r.node.next.owner
		d.takeBackOne(r)
		r = next
	}
	for r := l.held.back(); r != nil; r = l.held.back() {
		r.node.unlink()
		r.client.queue.pushFront(&r.node)
		d.wait(r)
	}
}

// takeBackOne ends a request that is not to be delivered again, and otherwise gives its client a turn.
func (d *Dispatcher[M]) takeBackOne(r *request[M]) {
	r.lane = nil
	r.client.outstanding--
	switch {
	case r.late:
		d.slab.put(r)
	case d.cfg.Once:
		d.giveUp(r, LaneLost)
	case int(r.strikes) >= d.cfg.Attempts:
		d.giveUp(r, AttemptsUsed)
	case r.client.left:
		d.giveUp(r, Aborted)
	case !r.client.turn.linked():
		d.turns.pushBack(&r.client.turn)
	}
}

// giveUp takes a request that was at a lane to the ended ones.
func (d *Dispatcher[M]) giveUp(r *request[M], why Cause) {
	r.cause = why
	r.node.unlink()
	d.ended.pushBack(&r.node)
}
