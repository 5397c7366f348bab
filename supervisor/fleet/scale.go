package fleet

import (
	"fmt"
	"slices"
)

func (f *Fleet) scaled(ev Scaled) {
	svc := f.serving(ev.Service)
	if svc == nil {
		return
	}
	svc.held = svc.Autoscale.On()
	if max(ev.Want, 0) >= svc.want {
		f.askAgain(svc)
	}
	f.scale(svc, ev.Want, "")
}

// autoScaled does not ask again for slots that stopped for good: nobody has mended anything.
func (f *Fleet) autoScaled(ev AutoScaled) {
	svc := f.serving(ev.Service)
	if svc == nil || svc.held || !svc.Autoscale.On() {
		return
	}
	f.scale(svc, ev.Want, ": autoscale: "+ev.Reason)
}

func (f *Fleet) autoAsked(service string) {
	if svc := f.service(service); svc != nil {
		svc.held = false
	}
}

// scale wants another number of workers. why goes on after what is done.
func (f *Fleet) scale(svc *service, want int, why string) {
	before := svc.want
	svc.want = max(want, 0)
	if svc.want < before {
		f.shrink(svc, fmt.Sprintf("scaled down to %d%s", svc.want, why))
	} else {
		f.grow(svc, fmt.Sprintf("scaled up to %d%s", svc.want, why))
	}
}

// grow wants the lowest free slots until there are enough. A slot that is still stopping keeps its number until it is gone.
func (f *Fleet) grow(svc *service, cause string) {
	for range svc.want - svc.count(State.wanted) {
		f.move(svc.free(), StatePending, cause)
	}
}

func (svc *service) free() *slot {
	i := slices.IndexFunc(svc.slots, func(s *slot) bool { return s.state == stateFree })
	if i < 0 {
		i = len(svc.slots)
		svc.slots = append(svc.slots, &slot{svc: svc, number: i})
	}
	return svc.slots[i]
}

// askAgain tries the slots once more that stopped for good: an operator who asks for workers may have mended what was wrong.
func (f *Fleet) askAgain(svc *service) {
	for _, s := range svc.slots {
		if s.state == StateStopped {
			s.failures = tally{}
			f.move(s, StatePending, "an operator asks for it again")
		}
	}
}

func (f *Fleet) shrink(svc *service, cause string) {
	for _, number := range victims(svc.candidates(), svc.count(State.wanted)-svc.want) {
		f.dismiss(svc.slots[number], cause)
		f.stop(svc.slots[number], cause)
	}
}

func (svc *service) candidates() (all []candidate) {
	for _, s := range svc.slots {
		if s.state.wanted() {
			all = append(all, candidate{slot: s.number, state: s.state, old: s.outdated(), inflight: s.inflight, started: s.started})
		}
	}
	return all
}

func (f *Fleet) observed(ev Observed) {
	svc := f.service(ev.Service)
	if svc == nil {
		return
	}
	for _, s := range svc.slots {
		s.inflight = ev.Inflight[s.life()]
	}
}
