package dispatch

import "time"

// Deadline returns when Next will have a Stuck, a Fail for Overdue, a Back, a Deliver to a slow lane or a Probe, at the earliest, if nothing
// else happens: the shell waits no longer than until then, once Next has nothing left. It may have passed already, and be that of a request
// that has ended if Next has not told that yet. Not ok: nobody's time
// is running.
func (d *Dispatcher[M]) Deadline() (at time.Duration, ok bool) {
	if l := d.timed.front(); l != nil {
		at, ok = l.began+d.cfg.Timeout, true
	}
	if r := d.byAge.front(); r != nil && d.cfg.Deadline > 0 {
		if end := r.arrived + d.cfg.Deadline; !ok || end < at {
			at, ok = end, true
		}
	}
	if d.nejected > 0 {
		if end := d.nextTry(); !ok || end < at {
			at, ok = end, true
		}
	}
	if end, probes := d.pulseDeadline(); probes && (!ok || end < at) {
		at, ok = end, true
	}
	return at, ok
}

// arrive starts the clock of a new request. The one deadline holds for all and now never goes back, so that requests are overdue in the
// order in which they arrived, wherever they have been since.
func (d *Dispatcher[M]) arrive(now time.Duration, r *request[M]) {
	r.arrived = now
	d.byAge.pushBack(&r.clock)
}

// nextOverdue returns the oldest request if its time is up, or nil. All that have ended otherwise must have been told before.
func (d *Dispatcher[M]) nextOverdue(now time.Duration) *request[M] {
	r := d.byAge.front()
	if r == nil || d.cfg.Deadline == 0 || now-r.arrived < d.cfg.Deadline {
		return nil
	}
	return r
}

// expire ends a request that is overdue. Of one at a lane the lane keeps what stands for it: a REP cannot be interrupted, so its place is
// taken until it replies or is lost.
func (d *Dispatcher[M]) expire(r *request[M]) Action[M] {
	r.cause = Overdue
	if r.lane == nil {
		d.unqueue(r)
		return d.end(r)
	}
	a := d.outcome(r)
	var none M
	r.message, r.late = none, true
	r.clock.unlink()
	return a
}
