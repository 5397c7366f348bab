package fleet

import (
	"cmp"
	"slices"
)

// reconcile brings what is closer to what is wanted, after every event.
func (f *Fleet) reconcile() {
	for _, svc := range f.services {
		f.endSilent(svc)
	}
	for _, svc := range f.services {
		switch {
		case svc.leave != serving:
			f.endService(svc)
		case svc.proxy.state == StatePending:
			f.start(svc.proxy)
		}
		f.renewProxy(svc)
	}
	f.startWorkers() // also those of services that end and are not empty yet
	for _, svc := range f.services {
		if svc.leave == serving {
			f.endRoll(svc)
		} else {
			f.judge(svc) // who has just been told to stop is not left alone any more
		}
	}
	f.forget()
	f.finish()
}

// startWorkers starts as many as the budget of unproven starts allows. Services take turns; within one, who waits longest is first.
func (f *Fleet) startWorkers() {
	for range f.maxStarting - f.starting() {
		svc := f.nextService()
		if svc == nil {
			return
		}
		svc.turn = f.nextTicket()
		next := svc.nextWorker()
		if next.state.up() {
			next = f.makeSuccessor(next)
		}
		f.start(next)
	}
}

func starting(s State) bool { return s == StateStarting }

func (f *Fleet) starting() (n int) {
	for _, svc := range f.services {
		n += svc.countAll(starting)
	}
	return n
}

// nextService is who may start a worker: the service with the fewest starts under way, then the one whose last start is longest ago, in the
// file's order at the beginning. So a service that cannot start never keeps another from starting.
func (f *Fleet) nextService() *service {
	var waiting []*service
	for _, svc := range f.services {
		if svc.nextWorker() != nil {
			waiting = append(waiting, svc)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	return slices.MinFunc(waiting, func(a, b *service) int {
		return cmp.Or(cmp.Compare(a.countAll(starting), b.countAll(starting)), cmp.Compare(a.turn, b.turn))
	})
}

// nextWorker is what is to start next: the pending slot that waits longest, or else such a successor, or else a worker that gets one now;
// nil when there is none.
func (svc *service) nextWorker() *slot {
	if s := longestPending(svc.slots); s != nil {
		return s
	}
	if s := longestPending(svc.successors()); s != nil {
		return s
	}
	return svc.nextToReplace()
}

func longestPending(slots []*slot) (next *slot) {
	for _, s := range slots {
		if s.state == StatePending && (next == nil || s.ticket < next.ticket) {
			next = s
		}
	}
	return next
}
