package dispatch

import (
	"time"

	"pgregory.net/rapid"
)

// pulse is what an onlooker knows of a lane's probes.
type pulse struct {
	token    Token // that is to be answered; 0: none
	failures int   // in a row
	wait     wait
	from     time.Duration
}

// wait is what is waited for with a lane: busy → fresh → resting → probed → silent, and from each back to busy.
type wait string

const (
	busy    wait = ""        // nothing: it has something to do, or is to end
	fresh   wait = "fresh"   // Next, for its time to begin
	resting wait = "resting" // its next probe
	probed  wait = "probed"  // an answer
	silent  wait = "silent"  // an answer that is late
)

func (w *world) unfit(k *worker) bool { return k.pulse.failures >= w.cfg.ProbeFailures }

// shut says that a lane gets no job, however few it holds.
func (w *world) shut(k *worker) bool {
	return !k.able() || k.pulse.token != 0
}

// mind sees whether a lane has something to do.
func (w *world) mind(k *worker) {
	idle := w.cfg.Probe > 0 && len(k.held) == 0 && !k.draining && len(k.owed) == 0
	switch {
	case !idle:
		k.pulse.wait = busy
	case k.pulse.wait == busy:
		k.pulse.wait = fresh
	}
}

// minded is at the end of Next: the time begins of those who have nothing to do since.
func (w *world) minded() {
	for _, k := range w.lanes {
		if k.pulse.wait == fresh {
			k.pulse.wait, k.pulse.from = resting, w.now
		}
	}
}

// pulseDeadline is when the first probe is due, or fails.
func (w *world) pulseDeadline() (at time.Duration, ok bool) {
	for _, k := range w.lanes {
		end := k.pulse.from
		switch k.pulse.wait {
		case resting:
			end += w.cfg.Probe
		case probed:
			end += w.cfg.ProbeTimeout
		case silent:
			end += w.cfg.Probe + w.cfg.ProbeTimeout
		default:
			continue
		}
		if !ok || end < at {
			at, ok = end, true
		}
	}
	return at, ok
}

// probedLane is told to be sent a probe.
func (w *world) probedLane(a Action[*job]) {
	k := w.lane(a.Lane)
	n, _ := w.waiting()
	switch p := k.pulse; {
	case p.wait != resting || p.token != 0 || w.now-p.from < w.cfg.Probe:
		w.t.Fatalf("a probe for a lane that is %s for %v, holds %d, has a probe: %t", p.wait, w.now-p.from, len(k.held), p.token != 0)
	case n > 0 && w.hasRoom(k):
		w.t.Fatalf("a probe for a lane, and %d wait", n)
	case a.Token == 0 || w.tokens[a.Token] || a.Message != nil || a.Client != nil:
		w.t.Fatalf("the probe %#x: %+v", a.Token, a)
	}
	w.tokens[a.Token] = true
	w.probes++
	k.pulse.token, k.pulse.wait, k.pulse.from = a.Token, probed, w.now
}

func (w *world) unansweredBy(a Action[*job]) {
	p := &w.lane(a.Lane).pulse
	p.failures++
	due := p.wait == probed && w.now-p.from >= w.cfg.ProbeTimeout || p.wait == silent && w.now-p.from >= w.cfg.Probe+w.cfg.ProbeTimeout
	if !due || p.token == 0 || a.Attempts != p.failures {
		w.t.Fatalf("%d probes are not answered, not %d; the lane is %s for %v", a.Attempts, p.failures, p.wait, w.now-p.from)
	}
	w.probes++
	p.wait, p.from = silent, w.now
}

// answerProbe hands in any token as the answer to a lane's probe, for which Reply was not ok.
func (w *world) answerProbe(k *worker, token Token, good bool) {
	p := &k.pulse
	known := token != 0 && token == p.token
	failures, well, ok := w.d.Probed(k.l, token, good)
	if ok != known {
		w.t.Fatalf("an answer is taken: %t; it is one: %t", ok, known)
	}
	if !ok {
		return
	}
	wasBad := p.failures > 0
	if p.failures++; good {
		p.failures = 0
	}
	if failures != p.failures || well != (good && wasBad) {
		w.t.Fatalf("%d probes failed, not %d; well: %t", failures, p.failures, well)
	}
	p.token, p.wait = 0, busy
	w.at++
	k.changed = w.at
	w.mind(k)
}

// drawAnswer lets a lane that was probed answer, well or not.
func (w *world) drawAnswer(t *rapid.T) {
	for _, k := range w.lanes {
		if k.pulse.token != 0 {
			if rapid.Bool().Draw(t, "good") {
				w.reply(k, k.pulse.token) // for which Reply must not be ok
			} else {
				w.answerProbe(k, k.pulse.token, false)
			}
			return
		}
	}
	t.Skip("no probe")
}

func (w *world) drawHold(t *rapid.T) {
	k := pick(t, "lane", w.lanes)
	if k.onHold = !k.onHold; k.onHold {
		k.told = 0 // its ejection is over, without a word
		w.d.Hold(k.l)
	} else {
		w.d.Resume(k.l)
		w.at++
		k.changed = w.at
	}
	w.returns()
}
