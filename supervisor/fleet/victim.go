package fleet

import (
	"cmp"
	"slices"
	"time"
)

// candidate is a wanted worker as the choice of who goes on scaling down sees it.
type candidate struct {
	slot     int
	state    State
	old      bool // an operator wants a newer one
	inflight int
	started  time.Time
}

// sacrifice orders the states by how little is lost when such a worker goes: first what does not run, the most hopeless first.
var sacrifice = []State{
	StateStopped, StateCrashloop, StateBackoff, StatePending,
	stateKilled, StateUnready,
	StateStarting,
	StateReady,
}

// victims picks the n slots that go, in this order: does not run, not ready, starting; then the old, the idle ones, the least loaded, the youngest.
func victims(all []candidate, n int) []int {
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(slices.Index(sacrifice, a.state), slices.Index(sacrifice, b.state)),
			cmp.Compare(oldFirst(a), oldFirst(b)),
			cmp.Compare(a.inflight, b.inflight),
			b.started.Compare(a.started),
			cmp.Compare(b.slot, a.slot),
		)
	})
	slots := make([]int, 0, n)
	for _, c := range all[:n] {
		slots = append(slots, c.slot)
	}
	return slots
}

func oldFirst(c candidate) int {
	if c.old {
		return 0
	}
	return 1
}
