package dispatch

import "time"

// A probe is a request of nobody's that asks whether a lane still works. It goes to a lane that has had nothing to do for Config.Probe; one
// that works on a client's request is what Config.Timeout is for. While a lane has a probe it gets no request: a REP does one thing at a time, and what stood behind
// a probe that hangs would hang too. A lane whose answers are wrong does get requests, unless the shell puts it on hold: it may be that
// the shell wants the wrong answer. Probes have no client, no message and no strikes, and nothing counts them.

// noRequest is the index in a probe's token: that of no request, for the slab cannot become so large.
const noRequest = 1<<32 - 1

// Probed says that lane l replied to t, for which Reply was not ok, and whether as it should. It returns how many probes the lane has failed
// in a row; well is told of the first that is good again. Not ok: t names no probe that l has to answer, and nothing has changed.
func (d *Dispatcher[M]) Probed(l *Lane[M], t Token, good bool) (failures int, well, ok bool) {
	if t == 0 || l.probe != t {
		return 0, false, false
	}
	l.probe = 0
	well = good && l.failures > 0
	l.failures++
	if good {
		l.failures = 0
	}
	l.pulse.unlink()
	if !l.draining { // or else it has been drained
		d.place(l)
	}
	return l.failures, well, true
}

// Unfit says that the lane has failed Config.ProbeFailures probes in a row. It is probed on.
func (d *Dispatcher[M]) Unfit(l *Lane[M]) bool { return l.failures >= d.cfg.ProbeFailures }

// attend has a lane wait for its next probe from when it has nothing to do, and not any more when it has.
func (d *Dispatcher[M]) attend(l *Lane[M]) {
	switch {
	case l.outstanding > 0, l.draining, l.Aside():
		l.pulse.unlink()
	case !l.pulse.linked():
		d.fresh.pushBack(&l.pulse)
	}
}

// nextProbe returns a probe that is due, or that was not answered in time. One that is not answered fails again and again, as if it were
// sent anew each time; but it is sent once: a REP that hangs would answer all of them when it wakes.
func (d *Dispatcher[M]) nextProbe(now time.Duration) (a Action[M], ok bool) {
	for l := d.fresh.front(); l != nil; l = d.fresh.front() {
		d.beat(now, l, &d.resting)
	}
	if l := overdue(&d.silent, now, d.cfg.Probe+d.cfg.ProbeTimeout); l != nil {
		return d.unanswered(now, l), true
	}
	if l := overdue(&d.probed, now, d.cfg.ProbeTimeout); l != nil {
		return d.unanswered(now, l), true
	}
	if l := overdue(&d.resting, now, d.cfg.Probe); l != nil {
		l.probe = Token(d.nextDelivery())<<32 | noRequest
		d.beat(now, l, &d.probed)
		d.place(l)
		return Action[M]{Kind: Probe, Lane: l, Token: l.probe}, true
	}
	return a, false
}

func (d *Dispatcher[M]) unanswered(now time.Duration, l *Lane[M]) Action[M] {
	l.failures++
	d.beat(now, l, &d.silent)
	return Action[M]{Kind: Unanswered, Lane: l, Attempts: l.failures}
}

// beat moves a lane to where it waits from now on. In each list all wait for the same time, so that the front one's is over first.
func (d *Dispatcher[M]) beat(now time.Duration, l *Lane[M], to *list[Lane[M]]) {
	l.pulse.unlink()
	l.pulsed = now
	to.pushBack(&l.pulse)
}

// overdue returns the first lane of a list if it has waited there for that long, or nil.
func overdue[M any](in *list[Lane[M]], now, after time.Duration) *Lane[M] {
	if l := in.front(); l != nil && now-l.pulsed >= after {
		return l
	}
	return nil
}

// pulseDeadline is when the next probe is due, or not answered in time. The time of lanes that have just nothing to do any more begins when
// Next has nothing else to say.
func (d *Dispatcher[M]) pulseDeadline() (at time.Duration, ok bool) {
	until := func(in *list[Lane[M]], after time.Duration) {
		if l := in.front(); l != nil && (!ok || l.pulsed+after < at) {
			at, ok = l.pulsed+after, true
		}
	}
	until(&d.resting, d.cfg.Probe)
	until(&d.probed, d.cfg.ProbeTimeout)
	until(&d.silent, d.cfg.Probe+d.cfg.ProbeTimeout)
	return at, ok
}
