// Package autoscale decides how many workers a service wants, by how long its requests wait and how busy its lanes are. It is pure: New
// makes a Scaler for one service, Decide takes an Observation and returns a Decision. No clock, no goroutine, standard library only.
//
// Up is quick and in proportion: when requests wait longer than the target, there are to be as many workers as the requests that come in
// and those that wait already need. Down is slow: only when fewer would have been enough for a while, and in steps. An up soon after a down
// makes the next downs slower.
//
// To observe, to carry out what is decided and to wait until the next time is left to the caller.
package autoscale

import "time"

// Policy is what a Scaler goes by.
type Policy struct {
	Min, Max     int           // workers, 0 <= Min <= Max
	TargetWait   time.Duration // what requests may wait in the queue, on average
	TargetBusy   float64       // the share of their time that lanes are meant to work, over 0 up to 1
	UpCooldown   time.Duration // between two ups
	DownAfter    time.Duration // fewer workers must have been enough for so long
	DownCooldown time.Duration // between two downs
	IdleAfter    time.Duration // no request for so long, and with Min 0 there are to be no workers
	StartTimeout time.Duration // what a worker may take to start: for so long after an up it is waited for those that are not ready yet
}

// Observation is a service at one moment.
type Observation struct {
	At      time.Time
	Since   time.Time     // when its proxy started, from which on Totals are counted
	Waiting int           // requests that no lane has yet
	Oldest  time.Duration // how long the first of them has waited
	Held    int           // requests at lanes
	Working int           // lanes that hold at least one
	Lanes   int           // of the service's own workers that are ready; 0: not known
	Foreign int           // lanes of others
	Ready   int           // workers
	Wanted  int           // workers, however they fare
	Totals  Totals
}

// Totals only ever grow while the proxy is the same.
type Totals struct {
	Requests  uint64        // from clients
	Delivered uint64        // to lanes
	Answered  uint64        // by lanes
	Waited    time.Duration // in the queue, by all that were delivered
	Busy      time.Duration // that lanes have had something to do, all added up
}

// A Cause is why there are to be so many workers.
type Cause string

// The causes.
const (
	Enough  Cause = "enough"  // nothing has to change
	Waits   Cause = "waits"   // requests wait longer than the target
	Woken   Cause = "woken"   // a request waits, and there are no workers
	Surplus Cause = "surplus" // fewer have been enough for a while
	Idle    Cause = "idle"    // no requests for a while
	Bounds  Cause = "bounds"  // fewer than min, or more than max
)

// Decision is how many workers there are to be.
type Decision struct {
	Want    int // as many as were wanted before, if nothing has to change
	Cause   Cause
	Reason  string        // the cause in words, with its numbers: wait 120ms > 50ms
	Wait    time.Duration // as measured, on average
	Busy    float64       // lanes that worked, on average
	Rate    float64       // requests that came in, in a second
	Again   time.Duration // when to observe again
	Penalty int           // by how much downs are slower than the policy says; 1: they are not
}

// How often to look. A service without workers is looked at more often: its first request waits for that.
const (
	interval = 500 * time.Millisecond
	asleep   = 100 * time.Millisecond
)

// confirm is how many observations in a row must agree before there are more workers, so that one hiccup of the machine starts none.
const confirm = 2

// Scaler remembers what it has seen and done. It belongs to one goroutine.
type Scaler struct {
	policy   Policy
	meter    meter
	needs    window    // of the workers that would have been enough
	watched  time.Time // since when there has been no gap in what was observed
	active   time.Time // when there was something to do for the last time
	breached bool      // the wait was too long when it was last observed
	short    int       // observations in a row at which it was, and more workers would have helped
	hurry    float64   // how many times faster than at first the backlog is to be worked off, for all ups in a row did not help
	up, down time.Time // the last ones; zero: never. At first, workers are on their way as after an up
	flaps    penalty
}

// New makes a Scaler that has seen nothing.
func New(p Policy) *Scaler {
	smooth := min(max(p.DownAfter/6, briefest), lengthy)
	return &Scaler{policy: p, meter: meter{smooth: smooth, each: 1}, hurry: 1, flaps: penalty{factor: 1}}
}

// Decide takes in an observation, which must be later than the one before or is ignored. After a gap, or with another proxy, it has to see
// some more before it decides again. The decision is the caller's to carry out: the next Observation says what is wanted then.
func (s *Scaler) Decide(o Observation) Decision {
	seen, continued := s.meter.take(o)
	if !continued {
		s.forget(o.At)
	}
	if s.up.IsZero() {
		s.up = o.At
	}
	d := s.judge(o, seen)
	d.Wait, d.Busy, d.Rate, d.Penalty = seen.wait, seen.busy, seen.rate, s.flaps.factor
	s.decided(o, d)
	d.Again = interval
	if d.Want == 0 {
		d.Again = asleep
	}
	return d
}

// forget what a gap has made worthless.
func (s *Scaler) forget(now time.Time) {
	s.watched, s.active, s.short = now, now, 0
	s.needs = nil
}

// decided notes a change.
func (s *Scaler) decided(o Observation, d Decision) {
	switch {
	case d.Want > o.Wanted:
		if d.Cause == Waits {
			s.flaps.wrong(s.down, o.At, s.policy.DownAfter)
			s.hurry *= 2
		}
		s.up, s.short = o.At, 0
		s.meter.anew()
	case d.Want < o.Wanted:
		s.down = o.At
	}
}
