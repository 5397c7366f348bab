package fleet

import "slices"

// phase is how far a service's end has come: serving → quiescing → leaving.
type phase int

const (
	serving   phase = iota
	quiescing       // its proxy takes no new request and waits for the answers to those it has; workers that fail are still restarted
	leaving         // its workers stop, then its proxy
)

// shutdownAsked drains the fleet. Asked once more, or for now, it kills all that lives.
func (f *Fleet) shutdownAsked(now bool) {
	again := f.stopping
	f.stopping = true
	for _, svc := range f.services {
		if now || again {
			f.leave(svc, "shutting down")
			f.abandon(svc)
			f.killAll(svc)
		} else {
			f.drain(svc, "shutting down")
		}
	}
}

// drain empties a service's proxy before anybody stops. One that is being removed is about to end already.
func (f *Fleet) drain(svc *service, why string) {
	if svc.leave != serving {
		return
	}
	f.leave(svc, why)
	if svc.served() {
		f.act(Quiesce{Service: svc.Name})
		return
	}
	f.abandon(svc) // no proxy: nobody can wait for an answer
	f.release(svc)
}

func (f *Fleet) leave(svc *service, why string) {
	svc.want, svc.leave, svc.why = 0, quiescing, why
	f.forgetSuccessors(svc)
}

// mayReturn says whether a slot that failed during a shutdown is started again: a worker is, while requests wait for an answer.
func (s *slot) mayReturn() bool {
	return !s.isProxy() && s.predecessor == nil && s.svc.leave == quiescing
}

// abandon gives up on what does not run.
func (f *Fleet) abandon(svc *service) {
	svc.leave = leaving
	for _, s := range svc.all() {
		if !s.state.alive() {
			f.stop(s, svc.why)
		}
	}
}

func (f *Fleet) killAll(svc *service) {
	for _, s := range svc.all() {
		if !s.state.alive() {
			continue
		}
		if s.state != StateStopping {
			f.move(s, StateStopping, "asked to end at once")
		}
		f.act(Kill{Life: s.life(), Reason: "asked to end at once"})
	}
}

func (f *Fleet) quiesced(name string) {
	svc := f.service(name)
	if svc == nil {
		return
	}
	switch svc.leave {
	case quiescing:
		f.release(svc)
	default: // nobody asked, or it is leaving already
	}
}

// release stops the workers, which hold no request any more or never will give an answer to anybody.
func (f *Fleet) release(svc *service) {
	svc.leave = leaving
	for _, s := range svc.workers() {
		f.stop(s, svc.why)
	}
}

// finish says, once, that a fleet that was told to end has ended.
func (f *Fleet) finish() {
	if f.stopping && !f.finished && !slices.ContainsFunc(f.all(), func(s *slot) bool { return s.state.alive() }) {
		f.finished = true
		f.act(Finish{})
	}
}

// endService takes a service's end as far as it can go now: the proxy outlives the workers.
func (f *Fleet) endService(svc *service) {
	if svc.leave == quiescing && !svc.served() {
		f.release(svc)
	}
	if svc.leave == leaving && svc.countAll(State.alive) == 0 {
		for _, p := range svc.proxies() {
			f.stop(p, svc.why)
		}
	}
}
