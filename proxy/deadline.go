package proxy

import "time"

// patience is how long the loop may sleep.
func (l *loop) patience() time.Duration {
	wait := time.Duration(-1)
	until := func(at time.Duration) {
		if left := max(at-time.Since(l.began), 0); wait < 0 || left < wait {
			wait = left
		}
	}
	if c := l.oldestShake(); c != nil {
		until(c.until)
	}
	if at, ok := l.core.Deadline(); ok {
		until(at)
	}
	for _, ln := range l.listeners {
		if ln.retry > 0 {
			until(ln.retry)
		}
	}
	if l.ending > 0 {
		until(l.ending)
	}
	if l.opts.Heartbeat > 0 && len(l.lanes.list) > 0 {
		until(l.nextBeat)
	}
	if l.untidy() {
		until(l.tidyAt)
	}
	return wait
}

// late does what the time has come for.
func (l *loop) late() {
	l.endHandshakes(func(c *conn) bool { return c.until <= l.now }, "the handshake took too long")
	for _, ln := range l.listeners {
		if ln.retry > 0 && ln.retry <= l.now {
			l.listenAgain(ln)
		}
	}
	l.beat()
	if l.ending > 0 && l.ending <= l.now {
		l.giveUp()
	}
	if l.tidyAt <= l.now {
		l.tidyAt = l.now + tidyEvery
		l.tidy()
	}
}

// endHandshakes ends the oldest ones, some of them in one turn: there may be thousands.
func (l *loop) endHandshakes(which func(*conn) bool, reason string) {
	for range acceptBurst {
		c := l.oldestShake()
		if c == nil || !which(c) {
			return
		}
		l.bad(c, reason)
	}
}

// oldestShake is the connection whose handshake has to be done first.
func (l *loop) oldestShake() *conn {
	for len(l.shaking) > 0 && (l.shaking[0].closed || l.shaking[0].shake == nil) {
		l.shaking[0] = nil
		l.shaking = l.shaking[1:]
	}
	if len(l.shaking) == 0 {
		return nil
	}
	return l.shaking[0]
}
