package fleet

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
		svc.want = 0
		f.forgetSuccessors(svc)
		switch {
		case now || again:
			f.abandon(svc)
			f.killAll(svc)
		case svc.proxy.state.up():
			svc.leave = quiescing
			f.act(Quiesce{Service: svc.Name})
		default: // no proxy: nobody can wait for an answer
			f.abandon(svc)
			f.release(svc)
		}
	}
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
			f.stop(s, "shutting down")
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
		f.stop(s, "shutting down")
	}
}

// end takes the shutdown as far as it can go now: proxies outlive their workers, and the last to go finishes the fleet.
func (f *Fleet) end() {
	alive := 0
	for _, svc := range f.services {
		f.endService(svc)
		for _, s := range svc.all() {
			if s.state.alive() {
				alive++
			}
		}
	}
	if alive == 0 && !f.finished {
		f.finished = true
		f.act(Finish{})
	}
}

func (f *Fleet) endService(svc *service) {
	if svc.leave == quiescing && !svc.proxy.state.up() {
		f.release(svc)
	}
	if svc.leave == leaving && svc.countAll(State.alive) == 0 {
		f.stop(svc.proxy, "shutting down")
	}
}
