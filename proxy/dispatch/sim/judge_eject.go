package sim

import (
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// What a lane must have done at least before it is doubtful: answers with errors, or slow ones.
const (
	leastBad  = 5
	leastSlow = time.Millisecond
	timeout   = 5 // bad answers
)

// isEjected says that a lane may be kept from work: something is against it, others are left, and not too many are ejected.
func (j *judge) isEjected(l *lane) {
	e, ok := l.core.Ejected()
	if !ok || j.cfg.Eject == 0 || !l.able() || e.Fault == l.ejected || e.Until <= j.now {
		faultf("%v is ejected: %t, able %t, for %d after %d, until %v", l, ok, l.able(), e.Fault, l.ejected, e.Until)
	}
	if l.bad < 2*leastBad {
		faultf("%v is ejected, and has given %d bad answers", l, l.bad)
	}
	if most := 6 * j.cfg.Eject; e.Until-j.now > most {
		faultf("%v is ejected for %v", l, e.Until-j.now)
	}
	j.count.Ejected++
	l.ejected = e.Fault
}

// returns notices which lanes are not ejected any more: they have room from now on.
func (j *judge) returns() {
	j.serial++
	for _, l := range j.lanes {
		_, out := l.core.Ejected()
		if l.out && !out {
			l.changed = j.serial
		}
		l.out = out
	}
}

func (j *judge) isBack(l *lane) {
	if _, ok := l.core.Ejected(); ok || l.ejected == 0 {
		faultf("%v is back: is still ejected %t, was before %t", l, ok, l.ejected != 0)
	}
	l.ejected = 0
	j.count.Returned++
}

// checkSpare says that an ejected lane may have this request: it is slow and holds nothing, nobody else has room, and the request has waited
// for as long as such a lane takes at least for the fastest of its answers.
func (j *judge) checkSpare(q *job, l *lane) {
	if l.ejected != dispatch.Slow || len(l.held) > 0 || j.now-q.arrived < l.fastest {
		faultf("%v gets a request that has waited for %v: it is ejected for %d, holds %d and takes %v at least",
			l, j.now-q.arrived, l.ejected, len(l.held), l.fastest)
	}
	if i := slices.IndexFunc(j.lanes, j.free); i >= 0 {
		faultf("%v gets a request though it is ejected, and %v has room", l, j.lanes[i])
	}
}

// spare is between when and when an ejected lane is to take what waits, if nothing else happens. Which client's turn it is, which lane's, and
// the mean of what that takes are the dispatcher's to know.
func (j *judge) spare() (from, to time.Duration, ok bool) {
	if j.waiting == 0 || slices.ContainsFunc(j.lanes, j.free) {
		return 0, 0, false
	}
	from = 1 << 62
	for _, l := range j.lanes {
		if l.ejected != dispatch.Slow || len(l.held) > 0 || j.shut(l) {
			continue
		}
		for _, c := range j.clients {
			if len(c.queue) > 0 {
				from = min(from, c.queue[0].arrived+l.fastest)
				to, ok = max(to, c.queue[0].arrived+l.slowest), true
			}
		}
	}
	return from, to, ok
}

// ejections checks that no more are ejected than may be, that nobody is who has done nothing, and that all are told.
func (j *judge) ejections() {
	able, ejected := 0, 0
	for _, l := range j.lanes {
		e, out := l.core.Ejected()
		if e.Fault != l.ejected || out && (!l.able() || e.Until <= j.now) {
			faultf("%v is ejected for %d until %v, and %d was told; able %t", l, e.Fault, e.Until, l.ejected, l.able())
		}
		if l.core.Doubtful() && l.bad < leastBad {
			faultf("%v is doubtful after %d bad answers", l, l.bad)
		}
		if l.able() {
			able++
		}
		if out {
			ejected++
		}
	}
	if most := max(1, able*j.cfg.MaxEjected/100); ejected > 0 && (ejected > most || ejected == able) {
		faultf("%d of %d lanes are ejected", ejected, able)
	}
}
