package fleet

import "fmt"

// RollState is how a rolling restart fares: rolling ⇄ frozen, and either → undone, rolling → done. A service that was never restarted has
// none.
type RollState string

// The states of a roll.
const (
	RollNone    RollState = ""
	RollRolling RollState = "rolling"
	RollFrozen  RollState = "frozen" // a new worker failed: nothing is replaced until an operator decides
	RollDone    RollState = "done"
	RollUndone  RollState = "undone"
)

// rollTries is how many times the workers that a roll has brought may fail before it freezes.
const rollTries = 3

// roll is a service's rolling restart, or its last one. Its slots are those whose renew is set.
type roll struct {
	number   int // how many were asked for
	state    RollState
	undone   int // number of the last one that was undone
	failures int // of new workers, since it began or went on
	reason   string
	lines    []string
	done, of int      // when it ended
	before   *Service // what was declared before the settings that it brings; nil: it brings none
	since    int      // ticket of when they were declared
}

func (r *roll) underWay() bool { return r.state == RollRolling || r.state == RollFrozen }

// outdated says whether a slot's worker runs and is older than the last wish for a newer one.
func (s *slot) outdated() bool { return s.state.up() && s.born < s.renew }

// renewed says whether a slot's current or last life is what a roll wished for.
func (s *slot) renewed() bool { return s.renew > 0 && s.born > s.renew }

// steady says whether every worker that the roll has brought is ready, for as long as it has to be.
func (svc *service) steady() bool {
	for _, s := range svc.slots {
		if s.renewed() && s.state.wanted() && (s.state != StateReady || !s.trial.IsZero()) {
			return false
		}
	}
	return true
}

func (f *Fleet) restartAsked(ev RestartAsked) {
	svc := f.serving(ev.Service)
	if svc == nil {
		return
	}
	f.beginRoll(svc, "an operator asked for it", func(s *slot) bool { return ev.Slot == AllSlots || ev.Slot == s.number })
}

// beginRoll wants newer lives for some of the wanted slots. A roll that is not over becomes part of it, with what it would bring back.
func (f *Fleet) beginRoll(svc *service, cause string, which func(*slot) bool) {
	wish := f.nextTicket()
	for _, s := range svc.slots {
		if s.state.wanted() && which(s) {
			s.renew = wish
			f.startAfresh(s)
		}
	}
	next := roll{number: svc.roll.number + 1, undone: svc.roll.undone}
	if svc.roll.underWay() {
		next.before, next.since = svc.roll.before, svc.roll.since
	}
	svc.roll = next
	f.noteRoll(svc, RollRolling, cause)
}

// startAfresh starts a slot at once that does not run, whatever it has come to.
func (f *Fleet) startAfresh(s *slot) {
	switch s.state {
	case StateBackoff, StateCrashloop, StateStopped:
		s.failures = tally{}
		f.move(s, StatePending, "an operator asks for it again")
	default: // it runs: its successor is started. Killed or pending: its next life is a new one
	}
}

func (f *Fleet) continueAsked(name string) {
	svc := f.serving(name)
	if svc == nil || svc.roll.state != RollFrozen {
		return
	}
	svc.roll.failures, svc.roll.reason, svc.roll.lines = 0, "", nil
	for _, s := range svc.slots {
		if s.renew > 0 {
			f.startAfresh(s)
		}
	}
	f.noteRoll(svc, RollRolling, "an operator wants it to go on")
}

func (f *Fleet) undoAsked(name string) {
	svc := f.serving(name)
	if svc == nil || !svc.roll.underWay() {
		return
	}
	f.dismissAll(svc, "the rolling restart was given up")
	svc.roll.undone = svc.roll.number
	if svc.roll.before == nil {
		f.finishRoll(svc, RollUndone, "an operator gave it up")
		return
	}
	f.takeBack(svc)
}

// countAgainstRoll says whether the failure of this life freezes its service's roll. A worker that cannot start, or takes too long for it,
// freezes it at once, any other failure only when there were several. It is asked before the slot is moved.
func (f *Fleet) countAgainstRoll(s *slot, e Exit, cause string) bool {
	r, place := &s.svc.roll, s
	if s.predecessor != nil {
		place = s.predecessor
	}
	if r.state != RollRolling || place.renew == 0 || s.born < place.renew {
		return false
	}
	r.failures++
	late := s.state == stateKilled && !s.proven
	if r.failures < rollTries && !late && !e.Permanent && !e.refuses(s.restart().NoRestart) {
		return false
	}
	format := "%v did not become ready: %s"
	switch {
	case late:
		format = "%v %s" // that it did not
	case s.proven:
		format = "%v failed after it was ready: %s"
	}
	r.reason, r.lines = fmt.Sprintf(format, s.life(), cause), e.LastLines
	return true
}

func (f *Fleet) freeze(svc *service) {
	f.noteRoll(svc, RollFrozen, svc.roll.reason)
	f.dismissAll(svc, "the rolling restart is frozen")
}

// endRoll ends a roll that has nothing left to do: all its workers are ready and who was replaced is gone.
func (f *Fleet) endRoll(svc *service) {
	done, of := svc.progress()
	if svc.roll.state == RollRolling && done == of && len(svc.retired) == 0 {
		f.finishRoll(svc, RollDone, "all are replaced")
	}
}

func (f *Fleet) finishRoll(svc *service, to RollState, cause string) {
	svc.roll.done, svc.roll.of = svc.progress()
	f.noteRoll(svc, to, cause)
	for _, s := range svc.slots {
		s.renew = 0
	}
}

func (f *Fleet) noteRoll(svc *service, to RollState, cause string) {
	svc.roll.state = to
	v := svc.rollView()
	f.act(RollNote{Service: svc.Name, To: to, Cause: cause, Done: v.Done, Of: v.Of, LastLines: v.LastLines})
}

// progress is how many of the roll's slots have a new worker that is ready, and how many there are.
func (svc *service) progress() (done, of int) {
	for _, s := range svc.slots {
		if s.renew == 0 || !s.state.wanted() {
			continue
		}
		of++
		if s.renewed() && s.state == StateReady && s.trial.IsZero() {
			done++
		}
	}
	return done, of
}

// RollView is a service's rolling restart in a View, or its last one.
type RollView struct {
	Number    int // counts the restarts that were asked for; 0: none was
	State     RollState
	Undone    int      // number of the last that was undone; with settings that are taken back, another one follows it at once
	Done, Of  int      // workers that are replaced and ready, and that there are to replace
	Reason    string   // why it is frozen
	LastLines []string // that the worker printed on whose account it froze
}

func (svc *service) rollView() RollView {
	r := svc.roll
	v := RollView{Number: r.number, State: r.state, Undone: r.undone, Done: r.done, Of: r.of, Reason: r.reason, LastLines: r.lines}
	if r.underWay() {
		v.Done, v.Of = svc.progress()
	}
	return v
}

// String is what there is to say of a roll that is under way, with a comma before it.
func (v RollView) String() string {
	switch v.State {
	case RollRolling:
		return fmt.Sprintf(", rolling: %d of %d", v.Done, v.Of)
	case RollFrozen:
		return fmt.Sprintf(", frozen: %d of %d: %s", v.Done, v.Of, v.Reason)
	default:
		return ""
	}
}
