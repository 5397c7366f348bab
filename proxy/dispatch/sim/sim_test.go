package sim

import (
	"flag"
	"testing"
)

var (
	seed  = flag.Uint64("seed", 0, "run this one alone, and print its last events")
	steps = flag.Int("steps", 20_000, "in a run")
	runs  = flag.Int("runs", 0, "seeds 1 to this; 0: as many as a test may take")
	lines = flag.Int("events", 25, "events to print of a run that fails")
)

// TestSimulation runs one world after the other. A seed that fails is run again for its last events.
func TestSimulation(t *testing.T) {
	if *seed != 0 {
		try(t, *seed)
		return
	}
	var all Result
	for s := range uint64(worlds()) {
		all.Add(try(t, s+1))
	}
	t.Logf("%+v", all)
	for _, n := range []uint64{all.Answered, all.Failed, all.Dropped, all.Redelivered, all.Stuck, all.Refused, all.Paused} {
		if n < all.Steps/10_000 {
			t.Errorf("too little happens to prove anything: %+v", all)
		}
	}
}

func try(t *testing.T, seed uint64) Result {
	r, err := Run(seed, *steps, 0)
	if err != nil {
		_, err = Run(seed, *steps, *lines)
		t.Fatalf("%v\nto repeat it: go test ./proxy/dispatch/sim -run TestSimulation -seed=%d -steps=%d -events=%d", err, seed, *steps, *lines)
	}
	return r
}

func worlds() int {
	switch {
	case *runs > 0:
		return *runs
	case testing.Short():
		return 10
	case race:
		return 20
	}
	return 150
}

// TestReplay runs worlds twice: the same seed is the same story.
func TestReplay(t *testing.T) {
	for s := range uint64(5) {
		a, _ := Run(s+1, 5000, 0)
		b, _ := Run(s+1, 5000, 100)
		if a != b {
			t.Errorf("seed %d: %+v, then %+v", s+1, a, b)
		}
	}
}
