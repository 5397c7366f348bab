package fleet

import (
	"cmp"
	"fmt"
)

// Of the workers of a service that do not answer their health checks, no more than Health.MaxUnhealthy are killed and not ready again at a
// time: what fails everywhere at once is mostly not the workers' fault, and killing them all would end a service that still works. Past it
// the service is degraded: those who are silent stay, and get their turn when the others are back, if they are still silent then.
//
// A service is degraded as well when its workers say themselves that they are not ready, and no other one is: they get no requests, and are
// not killed for it.

// isSilent says that a worker does not answer its health checks, and nobody has killed it for that.
func (s *slot) isSilent() bool { return s.silent != "" && s.state.up() }

// endSilent kills as many silent workers as may be, and says whether the service is degraded.
func (f *Fleet) endSilent(svc *service) {
	for _, s := range svc.workers() {
		switch {
		case !s.isSilent():
		case svc.mayEnd(s):
			f.forgive(s)
			s.lost = true
			f.kill(s, s.silent)
		case s.state == StateReady:
			f.forgive(s)
			f.move(s, StateUnready, s.silent)
		}
	}
	f.judge(svc)
}

// mayEnd: a place that is lost already is no loss. While the service ends, nothing is wanted, and yet its workers have to answer.
func (svc *service) mayEnd(s *slot) bool {
	return s.lost || svc.lost() < svc.Health.MaxUnhealthy.Within(max(svc.want, svc.count(State.wanted)))
}

// lost is how many workers were killed because they were silent and are not ready again.
func (svc *service) lost() (n int) {
	for _, s := range svc.workers() {
		if s.lost {
			n++
		}
	}
	return n
}

// judge notes when a service becomes degraded and when it is well again.
func (f *Fleet) judge(svc *service) {
	before, was := svc.degraded, svc.nobody
	silence, nobody := svc.whyDegraded(), svc.whyNobody()
	svc.degraded, svc.nobody = cmp.Or(silence, nobody), silence == "" && nobody != ""
	switch {
	case svc.leave != serving:
	case before == "" && svc.degraded != "":
		f.act(HealthNote{Service: svc.Name, Degraded: true, Cause: svc.degraded})
	case before != "" && svc.degraded == "":
		f.act(HealthNote{Service: svc.Name, Cause: svc.whyWell(was)})
	}
}

// whyNobody is why no worker gets requests, though some could: "" if one does, or none says itself that it is not ready.
func (svc *service) whyNobody() string {
	declined, last := 0, ""
	for _, s := range svc.workers() {
		switch {
		case s.state == StateReady:
			return ""
		case s.state == StateUnready && s.declined:
			declined++
			last = fmt.Sprintf("%v: %s", s.life(), s.reason)
		}
	}
	if declined == 0 {
		return ""
	}
	return fmt.Sprintf("no worker is ready, requests wait: %d of %d say themselves that they are not (%s)", declined, svc.count(State.wanted), last)
}

func (svc *service) whyWell(nobody bool) string {
	switch ready := svc.count(func(s State) bool { return s == StateReady }); {
	case !nobody:
		return "all workers that are left answer their health checks"
	case ready > 0:
		return fmt.Sprintf("%d of %d workers are ready", ready, svc.count(State.wanted))
	default:
		return "no worker that is left says that it is not ready"
	}
}

func (svc *service) whyDegraded() string {
	silent, last := 0, ""
	for _, s := range svc.workers() {
		if s.isSilent() {
			silent++
			last = fmt.Sprintf("%v: %s", s.life(), s.silent)
		}
	}
	if silent == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d workers do not answer and are left alone: max_unhealthy (%v) is used up by %d that were killed and are not ready again (%s)",
		silent, svc.count(State.wanted), svc.Health.MaxUnhealthy, svc.lost(), last)
}
