package fleet

import (
	"slices"
	"time"
)

// slot is a worker's place in its service, or the proxy's: one process life after another. While its worker is replaced there are two of
// the same number: the worker, and its successor.
type slot struct {
	svc      *service
	number   int
	lives    int  // the number of the current life, or of the last one
	born     int  // ticket of its start
	proven   bool // the current life has been ready
	state    State
	since    time.Time // in this state
	ticket   int       // of its move to pending
	started  time.Time // the current life
	pid      int
	inflight int       // requests that it held when last observed
	waiting  string    // why the current life is not ready yet
	reason   string    // why it is not ready, or how the last life ended
	next     time.Time // the next start, in backoff and crashloop
	restarts int       // lives that ended without being asked to
	failures tally

	successor   *slot     // what will take its place once it is ready
	predecessor *slot     // what it will take the place of; both are set, or neither
	renew       int       // ticket of the last wish for a newer life; 0: none since the last roll ended
	recycle     string    // why the current life has lived long enough, "": it has not
	expires     time.Time // when it will have; zero: never
	trial       time.Time // until then it must stay ready to take a place, or to count as replaced; zero: it need not any more
	stale       bool      // its program has changed since the current life began

	silent string // why the current life is to be killed: it does not answer its health checks; "": it does
	lost   bool   // a life was killed for that, and none has been ready since

	declined bool // it is not ready because it says so itself
}

func (s *slot) life() Life { return Life{Service: s.svc.Name, Slot: s.number, N: s.lives} }

func (s *slot) isProxy() bool { return s.number == ProxySlot }

// restart is the policy of a slot.
func (s *slot) restart() Restart {
	if s.isProxy() {
		return proxyRestart
	}
	return s.svc.Restart
}

// deadline is when time alone changes the slot.
func (s *slot) deadline() (time.Time, bool) {
	switch s.state {
	case StateBackoff, StateCrashloop:
		return s.next, true
	case StateStarting:
		return s.startBy()
	case StateReady, StateUnready:
		return s.ripens()
	default:
		return time.Time{}, false
	}
}

// ripens is when a worker's trial is over, or it is too old, whichever is first.
func (s *slot) ripens() (at time.Time, ok bool) {
	if s.recycle == "" {
		at = s.expires
	}
	if at.IsZero() || !s.trial.IsZero() && s.trial.Before(at) {
		at = s.trial
	}
	return at, !at.IsZero()
}

// startBy is when a start has taken too long. A worker's time runs only while its proxy is ready: without one no worker can become ready,
// and killing them all would help nobody.
func (s *slot) startBy() (time.Time, bool) {
	limit, from := s.startTimeout(), s.since
	if !s.isProxy() {
		if s.svc.proxy.state != StateReady {
			return time.Time{}, false
		}
		if up := s.svc.proxy.since; up.After(from) {
			from = up
		}
	}
	return from.Add(limit), limit > 0
}

func (s *slot) startTimeout() time.Duration {
	switch {
	case s.isProxy() && s.predecessor != nil:
		return proxyTakeOverTimeout
	case s.isProxy():
		return proxyStartTimeout
	}
	return s.svc.Workers.StartTimeout
}

// find is the slot whose current life is l, or nil.
func (f *Fleet) find(l Life) *slot {
	svc := f.service(l.Service)
	if svc == nil {
		return nil
	}
	for _, s := range svc.all() {
		if s.life() == l {
			return s
		}
	}
	return nil
}

// all is every slot of the fleet: service by service, the proxy first.
func (f *Fleet) all() (slots []*slot) {
	for _, svc := range f.services {
		slots = append(slots, svc.all()...)
	}
	return slots
}

func (svc *service) all() []*slot { return append(svc.proxies(), svc.workers()...) }

// workers are the slots, the successors and the retired.
func (svc *service) workers() []*slot {
	return slices.Concat(svc.slots, svc.successors(), svc.retired)
}

// count is how many of the slots are in a state that is. Who will take a worker's place, and who has lost it, are not counted.
func (svc *service) count(is func(State) bool) int { return count(svc.slots, is) }

// countAll is how many of all workers are in a state that is.
func (svc *service) countAll(is func(State) bool) int { return count(svc.workers(), is) }

func count(slots []*slot, is func(State) bool) (n int) {
	for _, s := range slots {
		if is(s.state) {
			n++
		}
	}
	return n
}
