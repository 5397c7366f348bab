package sim

import (
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// pulse is what the judge knows of a lane's probes.
type pulse struct {
	token    dispatch.Token // that is to be answered; 0: none
	failures int            // in a row
	wait     wait
	from     time.Duration
}

// wait is what is waited for with a lane.
type wait uint8

const (
	busy    wait = iota // nothing: it has something to do, or is to end
	fresh               // the end of Next, for its time to begin
	resting             // its next probe
	probed              // an answer
	silent              // an answer that is late
)

// hold puts a lane on hold, or resumes it.
func (j *judge) hold(l *lane, on bool) {
	if on {
		j.say("hold", nil, nil, l, "")
		l.ejected = 0 // without a word
		j.core.Hold(l.core)
	} else {
		j.say("resume", nil, nil, l, "")
		j.core.Resume(l.core)
		j.change(l)
	}
	l.onHold = on
	j.returns()
}

// shut says that a lane is to get no request, however few it has.
func (j *judge) shut(l *lane) bool {
	return !l.able() || l.pulse.token != 0
}

// mind sees whether a lane has something to do.
func (j *judge) mind(l *lane) {
	switch {
	case j.cfg.Probe == 0 || len(l.held) > 0 || l.draining || len(l.owed) > 0:
		l.pulse.wait = busy
	case l.pulse.wait == busy:
		l.pulse.wait = fresh
	}
}

// minded is at the end of Next, where the time begins of those who have nothing to do since.
func (j *judge) minded() {
	for _, l := range j.lanes {
		if l.pulse.wait == fresh {
			l.pulse.wait, l.pulse.from = resting, j.now
		}
	}
}

// pulseAt is when a lane is to be probed, or has failed; false: nothing is waited for.
func (j *judge) pulseAt(l *lane) (at time.Duration, ok bool) {
	switch l.pulse.wait {
	case resting:
		return l.pulse.from + j.cfg.Probe, true
	case probed:
		return l.pulse.from + j.cfg.ProbeTimeout, true
	case silent:
		return l.pulse.from + j.cfg.Probe + j.cfg.ProbeTimeout, true
	default:
		return 0, false
	}
}

func (j *judge) isProbed(l *lane, a dispatch.Action[*job]) {
	at, ok := j.pulseAt(l)
	switch {
	case !ok || j.now < at || l.pulse.wait != resting || l.pulse.token != 0:
		faultf("%v is probed: it waits %d, has a probe: %t", l, l.pulse.wait, l.pulse.token != 0)
	case j.waiting > 0 && j.free(l):
		faultf("%v is probed, and %d wait", l, j.waiting)
	case a.Token == 0 || j.tokens[a.Token] || a.Message != nil || a.Client != nil:
		faultf("the probe %#x of %v: given out before %t, of a client %t", a.Token, l, j.tokens[a.Token], a.Client != nil)
	}
	j.count.Probed++
	j.tokens[a.Token] = true
	l.pulse.token, l.pulse.wait, l.pulse.from = a.Token, probed, j.now
}

func (j *judge) isUnanswered(l *lane, failures int) {
	at, ok := j.pulseAt(l)
	l.pulse.failures++
	if !ok || j.now < at || l.pulse.token == 0 || failures != l.pulse.failures {
		faultf("%v has not answered %d probes, not %d; it waits %d", l, failures, l.pulse.failures, l.pulse.wait)
	}
	j.count.Unanswered++
	l.pulse.wait, l.pulse.from = silent, j.now
}

// answer hands in any token at any lane as the answer to a probe.
func (j *judge) answer(l *lane, token dispatch.Token, good bool) bool {
	known := token != 0 && token == l.pulse.token
	failures, well, ok := j.core.Probed(l.core, token, good)
	if ok != known {
		faultf("an answer of %v to the probe %#x is taken: %t", l, token, ok)
	}
	if !ok {
		return false
	}
	j.say("answer", nil, nil, l, "")
	wasBad := l.pulse.failures > 0
	if l.pulse.failures++; good {
		l.pulse.failures = 0
	}
	if failures != l.pulse.failures || well != (good && wasBad) {
		faultf("%v has failed %d probes, not %d; well %t", l, failures, l.pulse.failures, well)
	}
	l.pulse.token, l.pulse.wait = 0, busy
	j.change(l)
	j.mind(l)
	return true
}

// probes checks that none is due.
func (j *judge) probes() {
	for _, l := range j.lanes {
		if at, ok := j.pulseAt(l); ok && at <= j.now {
			faultf("%v is to be probed, or has failed, at %v", l, at)
		}
		if l.core.OnHold() != l.onHold || j.core.Unfit(l.core) != (l.pulse.failures >= j.cfg.ProbeFailures) {
			faultf("%v says it is on hold: %t, unfit: %t", l, l.core.OnHold(), j.core.Unfit(l.core))
		}
	}
}
