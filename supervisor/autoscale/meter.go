package autoscale

import (
	"math"
	"time"
)

const (
	briefest = time.Second      // what counts as lately: ten service times, but no less than this
	lengthy  = 10 * time.Second // and no more than this
	longest  = 5 * time.Second  // between two observations: more is a gap
	memory   = 30 * time.Second // over which a request's service time is learned
	some     = 20               // requests whose mean is not chance alone
)

// seen is what the last observations come to.
type seen struct {
	wait    time.Duration // of those that were delivered lately and those that still wait, on average
	usual   time.Duration // of the last some that were delivered; 0: there have not been as many since the last up
	busy    float64       // lanes that worked lately
	steady  float64       // the same, smoothed, for those decisions that have time
	rate    float64       // requests that came in, in a second
	sure    float64       // the rate less its standard deviation, for that of few requests is chance
	service float64       // seconds that a lane works for one request; 0: not known
	backlog float64       // requests that no lane works on
	each    float64       // lanes of a worker
	quiet   bool          // nothing came in, waits or is at a lane
}

// meter makes rates of totals.
type meter struct {
	smooth         time.Duration // over which being busy is smoothed
	last           []Observation // the recent ones, and one that is older
	steady         float64
	each           float64
	busy, answered float64 // of the service time: seconds and requests, the older the less they weigh
	waited, served float64 // of the usual wait, since the last up: seconds and requests, the same
}

// take adds an observation. It has not continued when it is the first, after a gap, or of another proxy: there are no rates then.
func (m *meter) take(o Observation) (now seen, continued bool) {
	continued = m.follows(o)
	if !continued {
		m.last = nil
	} else {
		m.learn(m.last[len(m.last)-1], o)
	}
	if o.Ready > 0 {
		m.each = max(float64(o.Lanes)/float64(o.Ready), 1)
	}
	m.last = append(m.last, o)
	lately := m.lately()
	for len(m.last) > 2 && o.At.Sub(m.last[1].At) >= lately {
		m.last = m.last[1:]
	}
	return m.measure(m.last[0], o), continued
}

// follows says whether o goes on from the last observation.
func (m *meter) follows(o Observation) bool {
	if len(m.last) == 0 {
		return false
	}
	last := m.last[len(m.last)-1]
	gap := o.At.Sub(last.At)
	return gap > 0 && gap <= longest && o.Since.Equal(last.Since) && o.Totals.grownFrom(last.Totals)
}

func (t Totals) grownFrom(before Totals) bool {
	return t.Requests >= before.Requests && t.Delivered >= before.Delivered && t.Answered >= before.Answered &&
		t.Waited >= before.Waited && t.Busy >= before.Busy
}

// learn smooths over the time since the last observation.
func (m *meter) learn(last, o Observation) {
	took := o.At.Sub(last.At).Seconds()
	worked := (o.Totals.Busy - last.Totals.Busy).Seconds()
	keep := math.Exp(-took / m.smooth.Seconds())
	m.steady = keep*m.steady + (1-keep)*worked/took
	answered := float64(o.Totals.Answered - last.Totals.Answered)
	if worked > 0 || answered > 0 { // an idle night does not make it forget
		keep = math.Exp(-took / memory.Seconds())
		m.busy, m.answered = keep*m.busy+worked, keep*m.answered+answered
	}
	delivered := float64(o.Totals.Delivered - last.Totals.Delivered)
	keep = math.Exp(-delivered / some)
	m.waited, m.served = keep*m.waited+(o.Totals.Waited-last.Totals.Waited).Seconds(), keep*m.served+delivered
}

// anew forgets the usual wait, which there is to be less of from now on.
func (m *meter) anew() { m.waited, m.served = 0, 0 }

// service is how many seconds a lane works for one request; 0: not known. Of the first request it takes at least as long as it has taken.
func (m *meter) service() float64 { return m.busy / max(m.answered, 1) }

// lately is how far back it is looked for what is now. All lanes of a slow service may be busy for seconds without being too few.
func (m *meter) lately() time.Duration {
	return max(time.Duration(min(10*m.service()*float64(time.Second), float64(lengthy))), briefest)
}

// measure compares o with an observation from before.
func (m *meter) measure(from, o Observation) seen {
	s := seen{steady: m.steady, each: m.each, backlog: float64(o.Waiting + max(o.Held-o.Working, 0))}
	s.service = m.service()
	if m.served > some/2 {
		s.usual = time.Duration(m.waited / m.served * float64(time.Second))
	}
	s.wait = meanWait(from.Totals, o)
	s.quiet = o.Waiting == 0 && o.Held == 0 && o.Totals.Requests == from.Totals.Requests
	if took := o.At.Sub(from.At).Seconds(); took > 0 {
		s.busy = (o.Totals.Busy - from.Totals.Busy).Seconds() / took
		came := float64(o.Totals.Requests - from.Totals.Requests)
		s.rate, s.sure = came/took, (came-math.Sqrt(came))/took
	}
	return s
}

// meanWait counts those that still wait as well, so that a queue that nobody serves is seen: from no time to that of the oldest, half of it
// on average.
func meanWait(from Totals, o Observation) time.Duration {
	delivered := o.Totals.Delivered - from.Delivered
	n := float64(delivered) + float64(o.Waiting)
	if n == 0 {
		return 0
	}
	sum := float64(o.Totals.Waited-from.Waited) + float64(o.Waiting)*float64(o.Oldest)/2
	return time.Duration(sum / n)
}
