package fleet

import "time"

// proxyRestart is how a proxy comes back: soon, for clients and workers wait for it and its listeners stay open meanwhile.
var proxyRestart = Restart{
	Delay:    100 * time.Millisecond,
	MaxDelay: 2 * time.Second,
	Reset:    10 * time.Second,
	Failures: 5,
	Window:   30 * time.Second,
	Jitter:   20,
}

// proxyStartTimeout is how long a proxy may take to become ready. It takes some milliseconds.
const proxyStartTimeout = 10 * time.Second

// proxyTakeOverTimeout is how long a proxy may take to take over from another one, all requests that wait and their bytes included.
const proxyTakeOverTimeout = time.Minute

// tally is what a slot's restarts depend on: its failures since the last that were forgiven.
type tally struct {
	streak  int
	recent  []time.Time // the last ones, within the policy's window
	looping bool        // a crash loop lasts until it is forgiven
}

// fail counts a failure and says how long to wait, before jitter, and whether this is a crash loop. A policy without Failures knows none.
func (t *tally) fail(now time.Time, r Restart) (wait time.Duration, loop bool) {
	t.streak++
	t.recent = lately(append(t.recent, now), now, r)
	if r.Failures > 0 && len(t.recent) >= r.Failures {
		t.looping = true
	}
	if t.looping {
		return r.MaxDelay, true
	}
	return delay(r, t.streak), false
}

// lately keeps what can still count: at most Failures times within Window, oldest first.
func lately(at []time.Time, now time.Time, r Restart) []time.Time {
	at = at[max(0, len(at)-max(r.Failures, 0)):]
	for len(at) > 0 && now.Sub(at[0]) > r.Window {
		at = at[1:]
	}
	return at
}

// delay before a restart: none after the first failure in a row, then Delay, doubling up to MaxDelay.
func delay(r Restart, failures int) time.Duration {
	if failures <= 1 || r.Delay <= 0 {
		return 0
	}
	d := r.Delay
	for range failures - 2 {
		if d > r.MaxDelay/2 {
			return r.MaxDelay
		}
		d *= 2
	}
	return min(d, r.MaxDelay)
}

// jitter spreads a delay over so many percent in either direction, so that what failed together does not come back together. Rand is in
// [0, 1).
func jitter(d time.Duration, percent int, rand float64) time.Duration {
	return time.Duration(float64(d) * (1 + float64(percent)/100*(2*rand-1)))
}
