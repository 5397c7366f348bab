package autoscale

import (
	"math"
	"time"
)

// lanesFor is how many lanes keep the wait under target at most: with work as the number of lanes that would work all the time (Little's
// law: requests a second times seconds of service), of which each is meant to work the share busy of its time, and with the wait that
// random arrivals make then. More than limit are not counted out.
func lanesFor(work, service, busy float64, target time.Duration, limit int) int {
	if work >= float64(limit) {
		return limit
	}
	n := max(int(math.Ceil(work/busy-1e-9)), 1)
	for n < limit && (float64(n) <= work || erlangWait(n, work, service) > target.Seconds()) {
		n++
	}
	return min(n, limit)
}

// erlangWait is the mean wait, in seconds, of a queue before n servers with Poisson arrivals and exponential service times: Erlang's C
// formula, reached by way of his recursion for B. work must be below n.
func erlangWait(n int, work, service float64) float64 {
	lost := 1.0
	for k := 1; k <= n; k++ {
		lost = work * lost / (float64(k) + work*lost)
	}
	waits := lost / (1 - work/float64(n)*(1-lost))
	return waits * service / (float64(n) - work)
}

// backlogLanes is how many lanes it takes to do the work that comes in and to have worked off the backlog after so many seconds. More than
// one lane for each request would help nobody.
func backlogLanes(s seen, work, within float64) float64 {
	return work + min(s.backlog*s.service/within, s.backlog)
}

// workersFor is how many workers of the service's own make up so many lanes, beside those of others.
func workersFor(lanes float64, o Observation, seen seen) int {
	return max(int(math.Ceil((lanes-float64(o.Foreign))/seen.each-1e-9)), 0)
}

// limit is more lanes than max workers have, beside those of others.
func (s *Scaler) limit(o Observation, seen seen) int {
	return int(math.Ceil(float64(s.policy.Max)*seen.each)) + o.Foreign + 1
}

// now is how many workers it takes to have the wait back under the target. While some are on their way the backlog grows, and says nothing
// of what they will do: then only the rate counts.
func (s *Scaler) now(o Observation, seen seen, coming bool) int {
	work := max(seen.busy, seen.sure*seen.service)
	lanes := float64(lanesFor(work, seen.service, s.policy.TargetBusy, s.policy.TargetWait, s.limit(o, seen)))
	if !coming {
		lanes = max(lanes, backlogLanes(seen, work, s.catchUp()))
	}
	return workersFor(lanes, o, seen)
}

// catchUp is in how many seconds the backlog is to be worked off: at first without haste, for it often is one burst, and workers that come
// for it alone come too late. If that does not help, faster and faster, down to the target.
func (s *Scaler) catchUp() float64 {
	return max(2*s.meter.lately().Seconds()/s.hurry, s.policy.TargetWait.Seconds())
}

// steadily is how many workers would be enough as things have been for some seconds: half of the target is kept as a distance, so that who
// goes down does not have to come up again.
func (s *Scaler) steadily(o Observation, seen seen) int {
	if seen.wait > s.policy.TargetWait/2 {
		return o.Wanted
	}
	return workersFor(float64(lanesFor(seen.steady, seen.service, s.policy.TargetBusy, s.policy.TargetWait/2, s.limit(o, seen))), o, seen)
}
