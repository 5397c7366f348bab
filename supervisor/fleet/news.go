package fleet

import (
	"cmp"
	"fmt"
	"time"
)

// What the processes do, one method an event. Each gets the slot whose current life the news is of.

func (f *Fleet) launched(s *slot, pid int) {
	switch {
	case s.state.alive():
		s.pid = pid
	default: // it has ended already: the launcher was late
	}
}

func (f *Fleet) becameReady(s *slot) {
	s.silent, s.declined = "", false
	switch s.state {
	case StateStarting:
		f.move(s, StateReady, "ready")
		s.proven, s.lost = true, false
		f.stoodTrial(s)
	case StateUnready:
		f.move(s, StateReady, "ready again")
		f.stoodTrial(s)
	default: // ready: no news. Killed, draining, stopping: too late. No process: late news
	}
}

func (f *Fleet) becameUnready(s *slot, ev BecameUnready) {
	reason := ev.Reason
	s.declined = ev.Declined
	if reason != s.silent {
		s.silent = ""
	}
	switch s.state {
	case StateStarting:
		s.waiting, s.reason = reason, reason
	case StateReady:
		f.forgive(s)
		f.move(s, StateUnready, reason)
	case StateUnready:
		s.reason = reason
	default: // killed, draining, stopping: it takes no requests anyway. No process: late news
	}
}

func (f *Fleet) hung(s *slot, ev Hung) {
	switch s.state {
	case StateStarting, StateReady, StateUnready:
		if ev.Silent && !s.isProxy() {
			s.silent = ev.Reason
			return
		}
		f.forgive(s)
		f.kill(s, ev.Reason)
	default: // killed: that is under way. Draining, stopping: the stop ladder ends it. No process: late news
	}
}

func (f *Fleet) drainEnded(s *slot) {
	switch s.state {
	case StateDraining:
		f.move(s, StateStopping, "its drain is over")
	default: // nobody asked it to drain, or it is past that
	}
}

func (f *Fleet) exited(s *slot, e Exit) {
	switch s.state {
	case StateStarting, StateReady, StateUnready:
		f.forgive(s)
		if s.hasHandedOver(e) {
			f.handedOver(s)
			return
		}
		f.failed(s, e, s.failure(e))
	case stateKilled:
		cause := s.reason
		if e.refuses(s.restart().NoRestart) {
			cause = s.failure(e)
		}
		f.failed(s, e, cause)
	case StateDraining, StateStopping:
		f.free(s, stopped(e))
	default: // it has ended already: told twice
	}
}

// stopped is the cause of an end that was asked for.
func stopped(e Exit) string {
	return "stopped as asked: " + cmp.Or(e.Rung, e.cause())
}

// failed is the end of a process that was wanted.
func (f *Fleet) failed(s *slot, e Exit, cause string) {
	if s.svc.leave != serving && !s.mayReturn() && !(s.isProxy() && s.hasHeir()) {
		f.free(s, cause)
		return
	}
	frozen := f.countAgainstRoll(s, e, cause)
	s.restarts++
	s.pid = 0
	if s.successor != nil && !s.successor.state.alive() {
		f.dismiss(s, "whom it was to replace has ended")
	}
	switch {
	case s.predecessor != nil && s.isProxy():
		f.failUpgrade(s, e, cause)
	case s.predecessor != nil && frozen:
		f.free(s, cause)
	case s.predecessor != nil:
		f.tryAgain(s, e, cause)
	case s.successor != nil:
		f.succeed(s, cause)
	case s.isProxy(): // always started again: without it the whole service stands
		f.backoff(s, cause)
	case e.Permanent, e.refuses(s.restart().NoRestart):
		f.move(s, StateStopped, cause)
	default:
		f.backoff(s, cause)
	}
	if frozen {
		f.freeze(s.svc)
	}
}

// failure is why a slot's process ended by itself, with the mend if it asks for one.
func (s *slot) failure(e Exit) string {
	if s.isProxy() || !e.refuses(s.restart().NoRestart) || s.svc.roll.underWay() {
		return e.cause()
	}
	return fmt.Sprintf("%s (which asks for no restart: mend it, then zfleet restart %s/%d)", e.cause(), s.svc.Name, s.number)
}

// backoff decides when a slot that failed is started again.
func (f *Fleet) backoff(s *slot, cause string) {
	wait, loop := s.failures.fail(f.now, s.restart())
	if wait > 0 {
		wait = jitter(wait, s.restart().Jitter, f.rand())
	}
	s.next = f.now.Add(wait)
	if loop {
		f.move(s, StateCrashloop, cause)
	} else {
		f.move(s, StateBackoff, cause)
	}
}

// forgive forgets the failures of a slot that has been ready for long enough. It is asked whenever being ready ends.
func (f *Fleet) forgive(s *slot) {
	if s.state == StateReady && f.now.Sub(s.since) >= s.restart().Reset {
		s.failures = tally{}
	}
}

// expire does what was due by now.
func (f *Fleet) expire() {
	for _, s := range f.all() {
		if at, ok := s.deadline(); ok && !at.After(f.now) {
			f.due(s)
		}
	}
}

func (f *Fleet) due(s *slot) {
	switch s.state {
	case StateBackoff, StateCrashloop:
		f.move(s, StatePending, "its delay is over")
	case StateStarting:
		f.kill(s, tooLate(s.startTimeout(), s.waiting))
	case StateReady, StateUnready:
		f.ripened(s)
	default: // no other state has a deadline
	}
}

func tooLate(limit time.Duration, waiting string) string {
	if waiting == "" {
		return fmt.Sprintf("did not become ready in %v", limit)
	}
	return fmt.Sprintf("did not become ready in %v (last: %s)", limit, waiting)
}
