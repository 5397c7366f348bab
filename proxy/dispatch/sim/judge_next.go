package sim

import (
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// next takes one thing to do, and checks that it was right, or that there is indeed nothing.
func (j *judge) next() (dispatch.Action[*job], bool) {
	if j.eased() {
		for _, c := range j.clients {
			c.eased = true
		}
	}
	a, ok := j.core.Next(j.now)
	j.returns()
	if !ok || slices.Contains([]dispatch.Kind{dispatch.Probe, dispatch.Unanswered, dispatch.Pause, dispatch.Resume}, a.Kind) {
		j.minded()
	}
	if !ok {
		j.quiet()
		return a, false
	}
	c, l := j.clientOf(a), j.laneOf(a)
	j.note(a, c, l)
	switch a.Kind {
	case dispatch.Deliver:
		j.delivered(a.Message, l, a.Token)
	case dispatch.Fail:
		j.failed(a, c)
	case dispatch.Discard:
		j.discarded(a.Message)
	case dispatch.Pause:
		j.pause(c)
	case dispatch.Resume:
		j.resume(c)
	case dispatch.Drained:
		j.isDrained(l)
	case dispatch.Stuck:
		j.isStuck(l)
	case dispatch.Ejected:
		j.isEjected(l)
	case dispatch.Back:
		j.isBack(l)
	case dispatch.Probe:
		j.isProbed(l, a)
	case dispatch.Unanswered:
		j.isUnanswered(l, a.Attempts)
	default:
		faultf("an action of kind %d", a.Kind)
	}
	return a, true
}

func (j *judge) note(a dispatch.Action[*job], c *client, l *lane) {
	why := ""
	if a.Kind == dispatch.Fail {
		why = causes[a.Cause]
	}
	j.say(done[a.Kind], a.Message, c, l, why)
}

// clientOf is whom an action names: nobody that has left.
func (j *judge) clientOf(a dispatch.Action[*job]) *client {
	if a.Client == nil {
		return nil
	}
	c, ok := a.Client.Data.(*client)
	if !ok || c.left || c.core != a.Client {
		faultf("%s names a client that has left", done[a.Kind])
	}
	return c
}

// laneOf is the lane that an action names: none that is lost.
func (j *judge) laneOf(a dispatch.Action[*job]) *lane {
	if a.Lane == nil {
		return nil
	}
	l := a.Lane.Data.(*lane)
	if l.gone {
		faultf("%s names %v, which is lost", done[a.Kind], l)
	}
	return l
}

func (j *judge) delivered(q *job, l *lane, token dispatch.Token) {
	c := q.from
	switch {
	case q.state != waiting || c.left:
		faultf("%v is delivered, which %v", q, q.state)
	case c.queue[0] != q:
		faultf("%v is delivered before the older %v of %v", q, c.queue[0], c)
	case token == 0 || j.tokens[token]:
		faultf("token %#x is given out twice, or zero", token)
	case q.given > 0 && j.cfg.Once:
		faultf("%v is delivered twice", q)
	case j.cfg.Deadline > 0 && j.now-q.arrived >= j.cfg.Deadline:
		faultf("%v is delivered %v after its arrival", q, j.now-q.arrived)
	}
	j.checkLane(q, l)
	j.checkTurn(c)
	j.tokens[token] = true
	if q.given++; q.given > 1 {
		j.count.Redelivered++
	}
	j.dequeue(q)
	if len(l.held) == 0 {
		l.since = j.now
	}
	q.state, q.lane, q.token = running, l, token
	l.held = append(l.held, q)
	j.change(l)
	j.running++
	c.runs++
	j.look(l)
}

// checkLane says that a lane may have one request more, that none has fewer, and none as many for a longer time.
func (j *judge) checkLane(q *job, l *lane) {
	_, high := j.allowances(l)
	if j.shut(l) || j.overrun(l) || len(l.held) >= min(l.core.Allowance(), high) {
		faultf("%v gets a request: draining %t, stuck %t, on hold %t, owes %d, probes %+v, overrun %t, holds %d of %d",
			l, l.draining, l.stuck, l.onHold, len(l.owed), l.pulse, j.overrun(l), len(l.held), high)
	}
	if l.ejected != 0 {
		j.checkSpare(q, l)
		return
	}
	for _, o := range j.lanes {
		if j.free(o) && o.before(l) {
			faultf("%v with %d since %d gets a request, %v with %d since %d does not", l, len(l.held), l.changed, o, len(o.held), o.changed)
		}
	}
}

// before says that a lane is chosen before another one.
func (l *lane) before(o *lane) bool {
	switch {
	case l.core.Doubtful() != o.core.Doubtful():
		return o.core.Doubtful()
	case len(l.held) != len(o.held):
		return len(l.held) < len(o.held)
	}
	return l.changed < o.changed
}

func (l *lane) able() bool { return !l.draining && !l.onHold && !l.stuck && len(l.owed) == 0 }

func (j *judge) free(l *lane) bool {
	return !j.shut(l) && l.ejected == 0 && len(l.held) < l.core.Allowance()
}

// overrun says that a lane has worked on its oldest for the timeout.
func (j *judge) overrun(l *lane) bool {
	return j.cfg.Timeout > 0 && l.oldest != nil && j.now-l.began >= j.cfg.Timeout
}

// checkTurn says that nobody was waiting already when c had its last turn, and waits still.
func (j *judge) checkTurn(c *client) {
	for _, o := range j.clients {
		if o != c && len(o.queue) > 0 && o.since < c.served {
			faultf("%v is served twice while %v waits", c, o)
		}
	}
	j.serial++
	c.served, c.since = j.serial, j.serial
}

func (j *judge) isDrained(l *lane) {
	if !l.draining || l.drained || len(l.held) > 0 {
		faultf("%v is drained: draining %t, before %t, holds %d", l, l.draining, l.drained, len(l.held))
	}
	l.drained = true
}

func (j *judge) isStuck(l *lane) {
	if !j.overrun(l) || l.stuck {
		faultf("%v is stuck: before %t, holds %d, on its oldest for %v of %v", l, l.stuck, len(l.held), j.now-l.began, j.cfg.Timeout)
	}
	j.count.Stuck++
	l.stuck, l.ejected = true, 0
}

// deadline is when there will be something to do at the earliest, if nothing else happens.
func (j *judge) deadline() (at time.Duration, ok bool) {
	earlier := func(end time.Duration) {
		if !ok || end < at {
			at, ok = end, true
		}
	}
	if j.cfg.Timeout > 0 {
		for _, l := range j.lanes {
			if l.oldest != nil && !l.stuck {
				earlier(l.began + j.cfg.Timeout)
			}
		}
	}
	for _, l := range j.lanes {
		if end, waits := j.pulseAt(l); waits {
			earlier(end)
		}
		if e, ejected := l.core.Ejected(); ejected {
			earlier(e.Until)
		}
	}
	i := slices.IndexFunc(j.timed, func(q *job) bool { return q.state == waiting || q.state == running })
	if i < 0 {
		i = len(j.timed)
	}
	if j.timed = j.timed[i:]; len(j.timed) > 0 {
		earlier(j.timed[0].arrived + j.cfg.Deadline)
	}
	return at, ok
}
