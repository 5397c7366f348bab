package fleet

import (
	"slices"
	"testing"
	"time"
)

func TestVictims(t *testing.T) {
	old, young := time.Unix(10, 0), time.Unix(20, 0)
	for _, test := range []struct {
		name string
		all  []candidate
		want []int // in the order in which they go
	}{
		{"none", nil, nil},
		{"what does not run before what does", []candidate{
			{slot: 0, state: StateReady}, {slot: 1, state: StatePending}, {slot: 2, state: StateStarting}, {slot: 3, state: StateBackoff},
			{slot: 4, state: StateUnready}, {slot: 5, state: StateCrashloop}, {slot: 6, state: StateStopped}, {slot: 7, state: stateKilled},
		}, []int{6, 5, 3, 1, 7, 4, 2, 0}},
		{"not ready, though it is busy", []candidate{
			{slot: 0, state: StateReady}, {slot: 1, state: StateUnready, inflight: 9},
		}, []int{1, 0}},
		{"idle, then the least loaded", []candidate{
			{slot: 0, state: StateReady, inflight: 2}, {slot: 1, state: StateReady}, {slot: 2, state: StateReady, inflight: 1},
		}, []int{1, 2, 0}},
		{"the old version before the idle", []candidate{
			{slot: 0, state: StateReady}, {slot: 1, state: StateReady, old: true, inflight: 2}, {slot: 2, state: StateUnready},
		}, []int{2, 1, 0}},
		{"load before age", []candidate{
			{slot: 0, state: StateReady, inflight: 1, started: young}, {slot: 1, state: StateReady, started: old},
		}, []int{1, 0}},
		{"equally loaded: the youngest", []candidate{
			{slot: 0, state: StateReady, started: young}, {slot: 1, state: StateReady, started: old}, {slot: 2, state: StateReady, started: young},
		}, []int{2, 0, 1}},
		{"all alike: the highest slot", []candidate{
			{slot: 0, state: StateStarting}, {slot: 2, state: StateStarting}, {slot: 1, state: StateStarting},
		}, []int{2, 1, 0}},
	} {
		for n := range len(test.all) + 1 {
			if got := victims(slices.Clone(test.all), n); !slices.Equal(got, test.want[:n]) {
				t.Errorf("%s: the %d that go are %v, want %v", test.name, n, got, test.want[:n])
			}
		}
	}
}
