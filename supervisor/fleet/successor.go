package fleet

import (
	"cmp"
	"fmt"
)

// A worker is replaced by bringing up another life in the same slot beside it, its successor. When that is ready, for as long as it has
// to be, it takes the slot, and the worker is retired: it drains, and is forgotten when it has ended.

func (svc *service) successors() (all []*slot) {
	for _, s := range svc.slots {
		if s.successor != nil {
			all = append(all, s.successor)
		}
	}
	return all
}

// surplus is how many processes there are, or are to be, beside those that are wanted.
func (svc *service) surplus() int { return len(svc.successors()) + len(svc.retired) }

// nextToReplace is a worker that is to get a successor now; nil when there is none, or no room for another process. A slot that is
// outdated waits until those that were replaced before it are ready.
func (svc *service) nextToReplace() *slot {
	if svc.leave != serving || svc.roll.state == RollFrozen || svc.upgrade.underWay() || svc.proxy.state != StateReady ||
		svc.surplus() >= svc.Workers.MaxSurge.Of(svc.want) {
		return nil
	}
	steady := svc.steady()
	for _, s := range svc.slots {
		if s.successor == nil && (s.worn() || s.outdated() && steady) {
			return s
		}
	}
	return nil
}

// makeSuccessor gives a worker a successor, which has no life yet.
func (f *Fleet) makeSuccessor(s *slot) *slot {
	s.successor = &slot{svc: s.svc, number: s.number, predecessor: s, restarts: s.restarts}
	s.successor.state = StatePending
	return s.successor
}

// try puts a worker on trial that has just become ready, if it is to replace another, or has in the roll that is under way: only after
// MinReady of being ready does the other one go, or the roll go on.
func (f *Fleet) try(s *slot) {
	if least := s.svc.Workers.MinReady; least > 0 && !s.isProxy() && (s.predecessor != nil || s.renewed()) {
		s.trial = f.now.Add(least)
	}
}

// stoodTrial gives a successor its place that has been ready for long enough.
func (f *Fleet) stoodTrial(s *slot) {
	switch {
	case s.predecessor == nil:
	case s.isProxy():
		f.takeOver(s)
	case s.trial.IsZero() && s.svc.leave == serving:
		f.handOver(s)
	}
}

// handOver gives a slot to a successor that is ready.
func (f *Fleet) handOver(next *slot) {
	old := next.predecessor
	f.forgive(old)
	old.adopt(next)
	old.svc.retired = append(old.svc.retired, old)
	f.stop(old, fmt.Sprintf("%s, replaced by %v", old.toGo(), next.life()))
}

// toGo is why a worker is replaced.
func (s *slot) toGo() string { return cmp.Or(s.recycle, "restarted") }

// succeed gives a slot to a successor whose time has not come yet, for the worker has failed.
func (f *Fleet) succeed(old *slot, cause string) {
	old.failures.fail(f.now, old.restart())
	next := old.successor
	next.restarts = old.restarts
	old.adopt(next)
	old.next = f.now
	f.move(old, StateBackoff, fmt.Sprintf("%s; %v takes its place", cause, next.life()))
}

func (s *slot) adopt(next *slot) {
	if s.isProxy() {
		s.svc.proxy = next
	} else {
		s.svc.slots[s.number] = next
	}
	s.successor, next.predecessor = nil, nil
	next.renew, next.failures = s.renew, s.failures
}

// tryAgain is the end of a successor that did not become ready. Its predecessor serves on, so it is no matter of urgency: what asks for no
// restart is tried again too, but as seldom as a crash loop.
func (f *Fleet) tryAgain(s *slot, e Exit, cause string) {
	if e.Permanent || e.refuses(s.restart().NoRestart) {
		s.failures.looping = true
	}
	f.backoff(s, cause)
}

// dismiss sends a worker's successor away: it is not needed.
func (f *Fleet) dismiss(s *slot, cause string) {
	next := s.successor
	if next == nil {
		return
	}
	s.successor, next.predecessor = nil, nil
	switch {
	case next.state.alive() && s.isProxy():
		s.svc.handed = append(s.svc.handed, next)
	case next.state.alive():
		s.svc.retired = append(s.svc.retired, next)
	}
	f.stop(next, cause)
}

func (f *Fleet) dismissAll(svc *service, cause string) {
	for _, s := range svc.slots {
		if s.successor != nil && s.successor.state == StateReady && s.state != StateReady {
			f.handOver(s.successor) // it serves, and the other one does not
		}
		f.dismiss(s, cause)
	}
}

// forgetSuccessors that do not run, at the service's end. Those that do end with the rest.
func (f *Fleet) forgetSuccessors(svc *service) {
	for _, s := range svc.slots {
		if s.successor != nil && !s.successor.state.alive() {
			f.dismiss(s, svc.why)
		}
	}
}
