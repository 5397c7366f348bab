package autoscale

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// judge says how many workers there are to be.
func (s *Scaler) judge(o Observation, seen seen) Decision {
	s.note(o, seen)
	p := s.policy
	switch {
	case o.Wanted < p.Min:
		return Decision{Want: p.Min, Cause: Bounds, Reason: fmt.Sprintf("min is %d", p.Min)}
	case o.Wanted > p.Max:
		return Decision{Want: p.Max, Cause: Bounds, Reason: fmt.Sprintf("max is %d", p.Max)}
	case o.Wanted == 0 && o.Waiting == 0:
		return Decision{Cause: Enough, Reason: "no requests"}
	case o.Wanted == 0:
		return Decision{Want: s.bounded(s.now(o, seen, false)), Cause: Woken, Reason: "a request waits, and there are no workers"}
	case s.breached:
		return s.tooSlow(o, seen)
	case s.idles(o):
		return Decision{Cause: Idle, Reason: "no requests for " + words(p.IdleAfter)}
	}
	return s.maybeDown(o, seen)
}

// note remembers what later decisions need.
func (s *Scaler) note(o Observation, seen seen) {
	s.flaps.decay(o.At, s.policy.DownAfter)
	if !seen.quiet {
		s.active = o.At
	}
	if seen.wait > s.policy.TargetWait {
		s.breached = true
	} else {
		s.breached, s.short, s.hurry = false, 0, 1
	}
	s.needs.add(o.At, s.steadily(o, seen), s.flaps.slow(s.policy.DownAfter))
}

func (s *Scaler) bounded(n int) int { return min(max(n, s.policy.Min, 1), s.policy.Max) }

// tooSlow decides what to do about a wait over the target.
func (s *Scaler) tooSlow(o Observation, seen seen) Decision {
	why := fmt.Sprintf("wait %s > %s", words(seen.wait), words(s.policy.TargetWait))
	coming := o.Ready < o.Wanted && s.within(o, s.up, s.policy.StartTimeout)
	want := s.now(o, seen, coming)
	if !coming && seen.usual > s.policy.TargetWait { // enough by calculation, and not in fact
		want = max(want, o.Wanted+1)
	}
	want = s.bounded(want)
	if want > o.Wanted {
		s.short++
	} else {
		s.short = 0
	}
	switch {
	case o.Wanted == s.policy.Max:
		return Decision{Want: o.Wanted, Cause: Enough, Reason: fmt.Sprintf("%s, and max is %d", why, s.policy.Max)}
	case want <= o.Wanted && coming:
		return Decision{Want: o.Wanted, Cause: Enough, Reason: fmt.Sprintf("%s, %d are starting", why, o.Wanted-o.Ready)}
	case want <= o.Wanted:
		return Decision{Want: o.Wanted, Cause: Enough, Reason: why + " now, not on average"}
	case s.short < confirm || s.within(o, s.up, s.policy.UpCooldown):
		return Decision{Want: o.Wanted, Cause: Enough, Reason: why + ", not for long enough yet"}
	}
	return Decision{Want: want, Cause: Waits, Reason: why}
}

// idles says that nobody has needed a worker for long enough to have none.
func (s *Scaler) idles(o Observation) bool {
	return s.policy.Min == 0 && o.At.Sub(s.active) >= s.policy.IdleAfter
}

// maybeDown goes half of the way to what has been enough for a while, at least one step.
func (s *Scaler) maybeDown(o Observation, seen seen) Decision {
	after := s.flaps.slow(s.policy.DownAfter)
	enough := s.bounded(s.needs.largest())
	surplus := o.Wanted - enough
	switch {
	case surplus <= 0:
		return Decision{Want: o.Wanted, Cause: Enough, Reason: s.busy(o, seen)}
	case o.At.Sub(s.watched) < after, s.within(o, s.up, after), s.within(o, s.down, s.flaps.slow(s.policy.DownCooldown)):
		return Decision{Want: o.Wanted, Cause: Enough, Reason: fmt.Sprintf("%s, %d may do", s.busy(o, seen), enough)}
	}
	return Decision{
		Want:   o.Wanted - (surplus+1)/2,
		Cause:  Surplus,
		Reason: fmt.Sprintf("%s, at most %d needed for %s", s.busy(o, seen), enough, words(after)),
	}
}

// within says that something happened less than limit ago.
func (s *Scaler) within(o Observation, at time.Time, limit time.Duration) bool {
	return !at.IsZero() && o.At.Sub(at) < limit
}

// busy is the share of their time that the lanes work, in words.
func (s *Scaler) busy(o Observation, seen seen) string {
	lanes := max(o.Lanes, o.Ready) + o.Foreign
	if lanes == 0 {
		return "no worker is ready"
	}
	return fmt.Sprintf("%.0f%% busy", math.Round(100*min(seen.steady/float64(lanes), 1)))
}

// words rounds to what people want to read: 1.5s, 120ms.
func words(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return strings.Replace(d.Round(time.Second).String(), "m0s", "m", 1)
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}
