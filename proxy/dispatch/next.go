package dispatch

import "time"

// Next returns the next thing to do, or false when there is nothing until something else happens. A delivery is decided when it is asked
// for, one at a time: the client whose turn it is, its oldest request, the lane that holds least.
func (d *Dispatcher[M]) Next(now time.Duration) (Action[M], bool) {
	if d.nejected > 0 {
		d.tryAgain(now)
	}
	if r := d.ended.front(); r != nil {
		return d.end(r), true
	}
	if r := d.nextOverdue(now); r != nil {
		return d.expire(r), true
	}
	if l := d.nextStuck(now); l != nil { // first: it must not get the next request
		return Action[M]{Kind: Stuck, Lane: l}, true
	}
	if l := d.verdicts.front(); l != nil {
		return d.announce(l), true
	}
	if c := d.turns.front(); c != nil {
		if l := d.taker(now, c); l != nil {
			return d.deliver(now, d.unwait(c), l), true
		}
	}
	if l := d.drained.front(); l != nil {
		l.place.unlink()
		return Action[M]{Kind: Drained, Lane: l}, true
	}
	if d.cfg.Probe > 0 {
		if a, ok := d.nextProbe(now); ok { // last: who waits for a reply comes first
			return a, true
		}
	}
	return d.nextGate()
}

// end gives a request's message back for good.
func (d *Dispatcher[M]) end(r *request[M]) Action[M] {
	a := d.outcome(r)
	d.slab.put(r)
	return a
}

// outcome says how a request ends that was not answered.
func (d *Dispatcher[M]) outcome(r *request[M]) Action[M] {
	if r.client.left {
		return Action[M]{Kind: Discard, Message: r.message, Cause: r.cause, Attempts: int(r.strikes)}
	}
	d.failed++
	return Action[M]{Kind: Fail, Client: r.client, Message: r.message, Cause: r.cause, Attempts: int(r.strikes)}
}

// taker returns the lane that the oldest request of c goes to, or nil.
func (d *Dispatcher[M]) taker(now time.Duration, c *Client[M]) *Lane[M] {
	if l := d.roomiest(); l != nil {
		return l
	}
	if l := d.spare.front(); l != nil && now-c.queue.front().arrived >= l.service {
		return l
	}
	return nil
}

func (d *Dispatcher[M]) deliver(now time.Duration, r *request[M], l *Lane[M]) Action[M] {
	if r.delivery != 0 {
		d.redelivered++
	} else {
		d.delivered++
		d.waited += micros(now - r.arrived)
	}
	r.lane, r.delivery = l, d.nextDelivery()
	l.held.pushBack(&r.node)
	l.outstanding++
	d.outstanding++
	r.client.outstanding++
	if l.outstanding == 1 {
		l.since = now
		d.begin(now, l)
	}
	d.place(l)
	return Action[M]{Kind: Deliver, Lane: l, Token: r.token(), Message: r.message}
}

// token names the request's latest delivery.
func (r *request[M]) token() Token { return Token(r.delivery)<<32 | Token(r.index) }

// nextDelivery counts deliveries of all requests, so that a token of a former delivery, or of a slab chunk that was given back since, names
// nothing. It skips zero when it comes round after four thousand million.
func (d *Dispatcher[M]) nextDelivery() uint32 {
	d.deliveries++
	if d.deliveries == 0 {
		d.deliveries = 1
	}
	return d.deliveries
}
