package dispatch

import "time"

// nextStuck returns the lane that has overrun its time the most, or nil. From then on it gets nothing new. The one timeout holds for all
// and now never goes back, so that the lanes run out of time in the order in which they began.
func (d *Dispatcher[M]) nextStuck(now time.Duration) *Lane[M] {
	l := d.timed.front()
	if l == nil || now-l.began < d.cfg.Timeout {
		return nil
	}
	l.clock.unlink()
	l.stuck = true
	d.place(l)
	return l
}

// begin starts the clock of a lane that has another oldest request than before, or stops it when the lane holds none.
func (d *Dispatcher[M]) begin(now time.Duration, l *Lane[M]) {
	l.rest()
	if d.cfg.Timeout > 0 && l.outstanding > 0 {
		l.began = now
		d.timed.pushBack(&l.clock)
	}
}

// rest stops the clock of a lane whose oldest request is done with. If it was stuck on it, it no longer is.
func (l *Lane[M]) rest() {
	l.clock.unlink()
	l.stuck = false
}
