package launch

import (
	"testing"

	"github.com/zfleet/zfleet/internal/cgroup"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

func TestOutOfMemoryIsSaid(t *testing.T) {
	for limit, want := range map[int64]string{0: ": out of memory", 1 << 20: ": out of memory, memory_limit is 1048576 bytes"} {
		if got := outOfMemory(limit); got != want {
			t.Errorf("%d: %q", limit, got)
		}
	}
}

// Limits are the workers': a proxy that is held back would hold all of them back.
func TestLimitsAreTheWorkers(t *testing.T) {
	svc := fleet.Service{Name: "hello", Workers: fleet.Workers{MemoryLimit: 1 << 30, CPUs: 1.5}}
	for slot, want := range map[int]cgroup.Limits{0: {Memory: 1 << 30, CPUs: 1.5}, fleet.ProxySlot: {}} {
		li := &life{name: fleet.Life{Service: "hello", Slot: slot, N: 1}, svc: svc}
		if got := li.limits(); got != want {
			t.Errorf("slot %d: %+v", slot, got)
		}
	}
}
