package dispatch

import (
	"testing"
	"time"
)

func TestOctaves(t *testing.T) {
	for took, want := range map[time.Duration]int32{
		0: leastPace, quick: leastPace, quick + 1: leastPace, 2 * quick: leastPace + octave, 3 * quick: leastPace + octave + octave/2,
		8 * quick: leastPace + slower, 1 << 62: 62 * octave,
	} {
		if got := octaves(took); got != want {
			t.Errorf("%v is %d, not %d", took, got, want)
		}
	}
	for _, took := range []time.Duration{quick, time.Millisecond, 12345 * time.Microsecond, time.Hour} {
		if got := ofOctaves(octaves(took)); got > took || got < took-took/200 {
			t.Errorf("%v comes back as %v", took, got)
		}
	}
	if ofOctaves(0) != 0 {
		t.Error("no pace is a time")
	}
}

// TestOneClient: whatever one client gets, it cannot have a lane ejected alone; two can.
func TestOneClient(t *testing.T) {
	var s scores
	var first, second usual
	for range 10_000 {
		s.weigh(Failing, &first, true)
	}
	if s[Failing-1] >= failingAt || s[Failing-1] < failingAt/2 {
		t.Errorf("one client adds up to %d", s[Failing-1])
	}
	for range 10_000 {
		s.weigh(Failing, &second, true)
	}
	if s[Failing-1] != failingAt {
		t.Errorf("two clients add up to %d", s[Failing-1])
	}
}

// TestScores: a lane that is bad now and then, for clients that are used to it, gets nowhere.
func TestScores(t *testing.T) {
	for percent, most := range map[int]int32{0: 0, 5: 3 * one, 20: 4 * one, 40: 6 * one, 60: 7 * one} {
		var s scores
		clients := make([]usual, 10)
		highest := int32(0)
		for i := range 100_000 {
			bad := (i*7919+i/100*31)%100 < percent
			s.weigh(Failing, &clients[i*31%len(clients)], bad)
			highest = max(highest, s[Failing-1])
		}
		if highest > most {
			t.Errorf("%d %% bad answers add up to %d", percent, highest)
		}
	}
	var s scores
	var u [10]usual
	n := 0
	for ; s[Failing-1] < failingAt; n++ {
		s.weigh(Failing, &u[n%10], true)
	}
	if n != 10 {
		t.Errorf("%d errors in a row for ten clients eject a lane", n)
	}
}
