package fleet

import "time"

// View is the fleet as its core sees it, for status.
type View struct {
	Services []ServiceView
	Stopping bool
}

// ServiceView is one service of a View. Workers are in slot order; stopped slots that are not wanted are left out.
type ServiceView struct {
	Name    string
	Want    int // 0 once the fleet is shutting down
	Ready   int
	Proxy   SlotView
	Workers []SlotView
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
	v := ServiceView{Name: svc.Name, Want: svc.want, Proxy: svc.proxy.view()}
	for _, s := range svc.slots {
		if s.state == stateFree {
			continue
		}
		if s.state == StateReady {
			v.Ready++
		}
		v.Workers = append(v.Workers, s.view())
	}
	return v
}

func (s *slot) view() SlotView {
	v := SlotView{Life: s.life(), State: s.state.word(), Pid: s.pid, Restarts: s.restarts, Since: s.since, Reason: s.reason}
	if s.state == StateBackoff || s.state == StateCrashloop {
		v.Next = s.next
	}
	return v
}
