package sim

import (
	"flag"
	"strings"
	"testing"
	"time"
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
	for _, n := range []uint64{all.Answered, all.Failed, all.Dropped, all.Redelivered, all.Stuck, all.Aside, all.Back, all.Refused, all.Paused,
		all.HandedOver, all.Held, all.Probed, all.Unanswered, all.Ejected, all.Returned} {
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
	return 200
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

// TestFault tampers with a world, to see that the judge says so, when, and how things stood.
func TestFault(t *testing.T) {
	for _, broken := range []struct {
		what string
		do   func(*world)
		want []string
	}{
		{"a request that the dispatcher does not know", func(w *world) { w.judge.waiting++ }, []string{"request", "waiting "}},
		{"a lane that nobody lost", func(w *world) { w.judge.core.Lost(w.now, w.workers[0].lane.core) }, []string{"is given back, which runs", "up "}},
		{"a crash", func(*world) { panic("ouch") }, []string{"the dispatcher panics: ouch", "sim_test.go"}},
	} {
		w := newWorld(1, 100_000)
		w.agenda.add(time.Millisecond, func() { broken.do(w) })
		_, err := w.tell(5000)
		for _, word := range broken.want {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: no %q in %.300v", broken.what, word, err)
			}
		}
	}
}
