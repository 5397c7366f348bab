package fleet

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDelay(t *testing.T) {
	const s = time.Second
	usual := Restart{Delay: s / 2, MaxDelay: 30 * s}
	for _, test := range []struct {
		name     string
		policy   Restart
		failures int
		want     time.Duration
	}{
		{"none yet", usual, 0, 0},
		{"the first is free", usual, 1, 0},
		{"the second", usual, 2, s / 2},
		{"the third", usual, 3, s},
		{"doubled still", usual, 7, 16 * s},
		{"the cap is no power of two", usual, 8, 30 * s},
		{"the cap holds", usual, 1000, 30 * s},
		{"a cap below the delay", Restart{Delay: 5 * s, MaxDelay: s}, 2, s},
		{"a cap just at the delay", Restart{Delay: s, MaxDelay: s}, 3, s},
		{"no delay", Restart{MaxDelay: 30 * s}, math.MaxInt, 0},
		{"no overflow", Restart{Delay: 1, MaxDelay: math.MaxInt64}, 1000, math.MaxInt64},
	} {
		if got := delay(test.policy, test.failures); got != test.want {
			t.Errorf("%s: delay after %d failures is %v, want %v", test.name, test.failures, got, test.want)
		}
	}
}

func TestJitterIsAFifthEachWay(t *testing.T) {
	for rand, want := range map[float64]time.Duration{0: 800, 0.25: 900, 0.5: 1000, 0.75: 1100, 1: 1200} {
		if got := jitter(1000*time.Millisecond, 20, rand); got != want*time.Millisecond {
			t.Errorf("jitter of 1s at %v is %v, want %vms", rand, got, int64(want))
		}
	}
}

// A tally told the other way round: keep every failure for ever and count anew each time.
func TestTallyAgainstAllOfHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Restart{
			Delay:    time.Duration(rapid.IntRange(0, 100).Draw(t, "delay")),
			MaxDelay: time.Duration(rapid.IntRange(0, 1000).Draw(t, "max")),
			Failures: rapid.IntRange(0, 4).Draw(t, "failures"),
			Window:   time.Duration(rapid.IntRange(0, 50).Draw(t, "window")),
		}
		var (
			kept    tally
			history []time.Time
			loop    bool
			now     = time.Unix(0, 0)
		)
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "later")))
			history = append(history, now)
			within := 0
			for _, at := range history {
				if now.Sub(at) <= r.Window {
					within++
				}
			}
			loop = loop || r.Failures > 0 && within >= r.Failures
			want := r.MaxDelay
			if !loop {
				want = delay(r, len(history))
			}
			if wait, looping := kept.fail(now, r); wait != want || looping != loop {
				t.Fatalf("after %v: wait %v, loop %v; want %v, %v", history, wait, looping, want, loop)
			}
			if len(kept.recent) > r.Failures {
				t.Fatalf("it remembers %d failures where %d are enough", len(kept.recent), r.Failures)
			}
		}
	})
}

// What is drawn for the jitter reaches the delay, and a delay of none stays none.
func TestBackoffIsJittered(t *testing.T) {
	f := New(Spec{Services: []Service{testService("hello", 1)}, MaxStarting: 1}, func() float64 { return 0 })
	now := time.Unix(0, 0)
	f.Step(now, Began{})
	f.Step(now, Exited{Life: Life{"hello", 0, 1}})
	f.Step(now, Exited{Life: Life{"hello", 0, 2}})
	if got := f.View().Services[0].Workers[0]; got.State != StateBackoff || got.Next.Sub(now) != 400*time.Millisecond {
		t.Errorf("the second restart is due at %v, want 400ms after %v: %+v", got.Next, now, got)
	}
}

func TestNoJitter(t *testing.T) {
	if got := jitter(time.Second, 0, 0.9); got != time.Second {
		t.Errorf("a second without jitter is %v", got)
	}
}

func TestShares(t *testing.T) {
	for _, test := range []struct {
		share    Share
		of, want int
	}{
		{Share{}, 10, 1}, {Share{N: 3}, 10, 3}, {Share{N: 3}, 1, 3}, {Share{Percent: 25}, 8, 2}, {Share{Percent: 25}, 9, 3},
		{Share{Percent: 1}, 0, 1}, {Share{Percent: 100}, 7, 7},
	} {
		if got := test.share.Of(test.of); got != test.want {
			t.Errorf("%+v of %d is %d, want %d", test.share, test.of, got, test.want)
		}
	}
}
