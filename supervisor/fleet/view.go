package fleet

import (
	"cmp"
	"slices"
	"time"
)

// View is the fleet as its core sees it, for status.
type View struct {
	Services []ServiceView
	Stopping bool
}

// ServiceView is one service of a View. Workers are in slot order; stopped slots that are not wanted are left out. While a worker is
// replaced there are two of its slot, the older first.
type ServiceView struct {
	Name     string
	Frontend []string // as declared
	Backend  []string
	Leaving  bool // it is not declared any more, and forgotten when its processes have ended
	Want     int  // 0 once the fleet is shutting down, or the service is leaving
	Ready    int
	Auto     AutoView
	Roll     RollView
	Upgrade  UpgradeView // how the replacement of the proxy fares, or how the last one did
	// Degraded is why workers that do not answer their health checks are not killed, or why none gets requests; "": they are, and one does.
	Degraded string
	Proxy    SlotView
	Workers  []SlotView
}

// AutoView is how a service's number of workers is decided.
type AutoView struct {
	Autoscale
	Held         bool          // by an operator: autoscaling waits until it is asked for again
	StartTimeout time.Duration // what a worker may take to start; 0: no limit
}

// SlotView is one slot of a View.
type SlotView struct {
	Life     Life // the current or the last one
	State    State
	Pid      int
	Restarts int // lives that ended without being asked to
	Since    time.Time
	Reason   string    // why it is not ready, or how its last life ended
	Next     time.Time // the next start, in backoff and crashloop
	Replaces Life      // whose place it takes when it is ready; zero: nobody's
	Stale    bool      // its program has changed since it was started
}

// View shows the fleet as the last Step left it. It is the caller's.
func (f *Fleet) View() View {
	v := View{Stopping: f.stopping}
	for _, svc := range f.services {
		v.Services = append(v.Services, svc.view())
	}
	return v
}

func (svc *service) view() ServiceView {
	v := ServiceView{
		Name: svc.Name, Frontend: svc.Frontend, Backend: svc.Backend, Leaving: svc.removed, Want: svc.want, Auto: AutoView{svc.Autoscale, svc.held, svc.Workers.StartTimeout}, Roll: svc.rollView(),
		Upgrade:  svc.upgradeView(),
		Degraded: svc.degraded, Proxy: svc.proxy.view(),
	}
	v.Ready = svc.count(func(s State) bool { return s == StateReady })
	for _, s := range svc.workers() {
		if s.state != stateFree {
			v.Workers = append(v.Workers, s.view())
		}
	}
	slices.SortStableFunc(v.Workers, func(a, b SlotView) int {
		return cmp.Or(cmp.Compare(a.Life.Slot, b.Life.Slot), cmp.Compare(a.Life.N, b.Life.N))
	})
	return v
}

func (s *slot) view() SlotView {
	v := SlotView{Life: s.life(), State: s.state.word(), Pid: s.pid, Restarts: s.restarts, Since: s.since, Reason: s.reason, Stale: s.stale}
	if s.state == StateBackoff || s.state == StateCrashloop {
		v.Next = s.next
	}
	if s.predecessor != nil {
		v.Replaces = s.predecessor.life()
	}
	return v
}
