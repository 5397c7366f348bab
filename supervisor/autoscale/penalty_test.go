package autoscale

import (
	"testing"
	"time"
)

// Downs that turn out wrong double the penalty, each once, up to a bound; it fades by half at a time.
func TestPenalty(t *testing.T) {
	const after = time.Minute
	now := time.Unix(0, 0)
	pass := func(d time.Duration) time.Time { now = now.Add(d); return now }
	p := penalty{factor: 1}
	is := func(want int) {
		t.Helper()
		if p.factor != want {
			t.Errorf("after %v the penalty is %d, not %d", now.Sub(time.Unix(0, 0)), p.factor, want)
		}
	}
	down := pass(time.Hour)
	p.wrong(down, pass(soon*after), after) // too late to have been its fault
	is(1)
	down = pass(time.Hour)
	p.wrong(down, pass(soon*after-1), after)
	is(2)
	p.wrong(down, pass(time.Second), after) // once
	is(2)
	for _, want := range []int{4, 8, 16, 16} {
		down = pass(time.Hour)
		p.wrong(down, pass(time.Second), after)
		is(want)
	}
	for _, step := range []int{16, 8, 4, 2} {
		p.decay(pass(fade*time.Duration(step)*after-1), after)
		is(step)
		p.decay(pass(1), after)
		is(step / 2)
	}
	p.decay(pass(1000*time.Hour), after)
	is(1)
}
