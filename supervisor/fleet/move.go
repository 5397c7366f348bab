package fleet

import (
	"fmt"
	"slices"
	"time"
)

// move changes a slot's state and notes it.
func (f *Fleet) move(s *slot, to State, cause string) {
	note := Note{Life: s.life(), From: s.state.word(), To: to.word(), Cause: cause}
	s.state, s.since, s.trial = to, f.now, time.Time{}
	switch to {
	case StateReady:
		s.reason = ""
		f.try(s)
	case StatePending:
		s.ticket = f.nextTicket()
	case StateStarting, StateStopping: // as with pending, the reason stays: how its last life ended, why it drained
	case StateBackoff, StateCrashloop:
		note.Delay = s.next.Sub(f.now)
		s.reason = cause
	default:
		s.reason = cause
	}
	f.act(note)
}

// start begins the next life of a pending slot.
func (f *Fleet) start(s *slot) {
	s.svc.lives[s.number]++
	s.lives, s.born = s.svc.lives[s.number], f.nextTicket()
	s.started, s.inflight, s.waiting, s.proven, s.stale, s.silent, s.declined = f.now, 0, "", false, false, "", false
	f.setAge(s)
	cause := "start"
	switch {
	case s.predecessor != nil && s.isProxy():
		cause = fmt.Sprintf("to take over from %v", s.predecessor.life())
	case s.predecessor != nil:
		cause = fmt.Sprintf("to replace %v, %s", s.predecessor.life(), s.predecessor.toGo())
	case s.restarts > 0:
		cause = fmt.Sprintf("restart %d", s.restarts)
	}
	f.move(s, StateStarting, cause)
	f.act(Start{Life: s.life()})
}

// stop ends a slot that is no longer wanted, whatever it is doing.
func (f *Fleet) stop(s *slot, cause string) {
	switch s.state {
	case StateStarting, StateReady, StateUnready:
		f.move(s, StateDraining, cause)
		f.act(Stop{Life: s.life()})
	case stateKilled:
		f.move(s, StateStopping, cause)
	case StatePending, StateBackoff, StateCrashloop, StateStopped:
		f.free(s, cause)
	default: // free, draining, stopping: it goes already
	}
}

// kill ends a process that failed without ending. Its exit counts as a failure. Nobody waits for a proxy's stack dump: its clients wait
// for the next proxy.
func (f *Fleet) kill(s *slot, reason string) {
	f.move(s, stateKilled, reason)
	if s.isProxy() {
		f.act(Kill{Life: s.life(), Reason: reason})
		return
	}
	f.act(Abort{Life: s.life(), Reason: reason})
}

// free forgets all about a slot but its last life. A successor leaves nothing behind, and one that is left alone goes its own way.
func (f *Fleet) free(s *slot, cause string) {
	if s.state != StateStopped { // outside, that is the same word
		f.move(s, stateFree, cause)
	}
	if s.successor != nil {
		f.dismiss(s, cause)
	}
	if s.predecessor != nil {
		s.predecessor.successor = nil
	}
	s.svc.retired = slices.DeleteFunc(s.svc.retired, func(r *slot) bool { return r == s })
	s.svc.handed = slices.DeleteFunc(s.svc.handed, func(r *slot) bool { return r == s })
	*s = slot{svc: s.svc, number: s.number, lives: s.lives}
}
