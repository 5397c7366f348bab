package sim

import (
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

func (j *judge) up(id int) *lane {
	l := &lane{id: id, core: j.core.Up()}
	l.core.Data = l
	j.lanes = append(j.lanes, l)
	j.change(l)
	j.mind(l)
	j.say("up", nil, nil, l, "")
	return l
}

func (j *judge) drain(l *lane) {
	j.say("drain", nil, nil, l, "")
	l.draining, l.ejected = true, 0
	j.mind(l)
	j.core.Drain(l.core)
	j.returns()
}

func (j *judge) lost(l *lane) {
	j.say("lost", nil, nil, l, "")
	j.count.Lost++
	j.lanes = slices.DeleteFunc(j.lanes, func(o *lane) bool { return o == l })
	j.takeBack(l)
	l.gone = true
	j.core.Lost(j.now, l.core)
	j.returns()
}

func (j *judge) setAside(l *lane) {
	j.say("set aside", nil, nil, l, "")
	j.count.Aside++
	for _, q := range l.held {
		l.owed = append(l.owed, q.token)
	}
	j.takeBack(l)
	l.ejected, l.bad = 0, l.bad+timeout
	j.core.SetAside(j.now, l.core)
	j.returns()
}

// takeBack is of all that a lane held. Only the oldest is charged, and what has more attempts goes to the front of its client's queue.
func (j *judge) takeBack(l *lane) {
	j.running -= len(l.held)
	if len(l.held) > 0 {
		l.held[0].strikes++
	}
	for _, q := range slices.Backward(l.held) {
		q.from.runs--
		switch {
		case q.state == late:
			q.state = ended
		case j.cfg.Once:
			j.end(q, dispatch.LaneLost)
		case q.from.left || q.strikes >= j.cfg.Attempts:
			j.end(q, dispatch.AttemptsUsed)
		default:
			j.enqueue(q, 0)
		}
	}
	l.held = nil
	j.look(l)
}

// reply hands in any token at any lane that is up. The dispatcher is to take it if that lane has it to answer, for that request and client.
// Failed says that it is an error; if it is the answer to a probe, that it is not as it should be.
func (j *judge) reply(l *lane, token dispatch.Token, failed bool) (to *client) {
	i := slices.IndexFunc(l.held, func(q *job) bool { return q.token == token })
	m, known := j.core.Message(l.core, token)
	reply := j.core.Reply
	if failed {
		reply = j.core.ReplyError
	}
	c, m2, ok := reply(j.now, l.core, token)
	j.returns()
	if ok != (i >= 0) || known != ok || m != m2 {
		faultf("a reply from %v to %#x is taken: %t, known: %t; it has that to answer: %t", l, token, ok, known, i >= 0)
	}
	if !ok {
		if !j.answer(l, token, !failed) {
			j.refused(l, token)
		}
		return nil
	}
	q := l.held[i]
	j.say("reply", q, q.from, l, "")
	j.answered(q, c, m)
	l.held = slices.Delete(l.held, i, i+1)
	if failed || j.now-l.since >= leastSlow {
		l.bad++
	}
	j.change(l)
	j.running--
	q.from.runs--
	j.look(l)
	j.measure(l)
	if c == nil {
		return nil
	}
	return q.from
}

// refused is a reply that names nothing. It brings a lane back that owes no other.
func (j *judge) refused(l *lane, token dispatch.Token) {
	j.say("refuse", nil, nil, l, "")
	j.count.Refused++
	before := len(l.owed)
	l.owed = slices.DeleteFunc(l.owed, func(t dispatch.Token) bool { return t == token })
	last := before > 0 && len(l.owed) == 0
	if back := j.core.Late(j.now, l.core, token); back != last {
		faultf("%v is back: %t; it owed %d replies, and now owes %d", l, back, before, len(l.owed))
	}
	j.returns()
	if last {
		j.say("back", nil, nil, l, "")
		j.count.Back++
		j.change(l)
		j.mind(l)
	}
}

// answered says that a reply gives back its own request and goes to who sent that, unless nobody waits for it any more.
func (j *judge) answered(q *job, c *dispatch.Client[*job], m *job) {
	switch q.state {
	case late:
		if c != nil || m != nil {
			faultf("the late reply to %v has a client: %t, a message: %t", q, c != nil, m != nil)
		}
	case running:
		if m != q {
			faultf("the reply to %v gives back %v", q, m)
		}
		if q.from.left && c != nil || !q.from.left && c != q.from.core {
			faultf("the reply to %v of %v goes to another client", q, q.from)
		}
		if c == nil {
			j.count.Dropped++
		} else {
			j.count.Answered++
		}
	default:
		faultf("a reply to %v, which %v", q, q.state)
	}
	q.state = ended
}

func (j *judge) change(l *lane) {
	j.serial++
	l.changed = j.serial
}

// look sees whether a lane works on another job than before.
func (j *judge) look(l *lane) {
	switch {
	case len(l.held) == 0:
		l.oldest, l.stuck = nil, false
	case l.oldest != l.held[0]:
		l.oldest, l.began, l.stuck = l.held[0], j.now, false
	}
	j.mind(l)
}

// measure notes how long a lane has taken. Whatever mean the dispatcher keeps, it lies between the extremes.
func (j *judge) measure(l *lane) {
	took := j.now - l.since
	if l.answers == 0 {
		l.fastest = took
	}
	l.fastest, l.slowest = min(l.fastest, took), max(l.slowest, took)
	l.since = j.now
	l.answers++
	low, high := j.allowances(l)
	if l.core.Doubtful() { // and its siblings are not, which is the dispatcher's to know
		low = 1
	}
	if a := l.core.Allowance(); a < low || a > high {
		faultf("%v has an allowance of %d, not %d to %d", l, a, low, high)
	}
	if l.core.Answered() != l.answers {
		faultf("%v has answered %d, not %d", l, l.core.Answered(), l.answers)
	}
}

// allowances bounds how many requests a lane may be given.
func (j *judge) allowances(l *lane) (low, high int) {
	switch {
	case j.cfg.Once:
		return 1, 1
	case j.cfg.Prefetch > 0:
		return j.cfg.Prefetch, j.cfg.Prefetch
	case l.answers == 0:
		return 1, 1
	}
	work := func(service time.Duration) int {
		return 1 + int(min(j.cfg.Target/max(service, 1), dispatch.MaxPrefetch-1))
	}
	return work(l.slowest), work(l.fastest)
}
