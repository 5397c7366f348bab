package proxy

import (
	"os"

	"github.com/zfleet/zfleet/proxy/control"
)

// snapshot is the proxy as it is between two turns.
func (l *loop) snapshot() control.Snapshot {
	s := control.Snapshot{
		Pid:      os.Getpid(),
		Since:    l.began,
		Frontend: l.bound[frontend],
		Backend:  l.bound[backend],
		Clients:  l.clients,
		Queued:   l.core.Waiting(),
		Inflight: l.core.Outstanding(),
		Counters: l.count,
		Lanes:    make([]control.Lane, 0, len(l.lanes.list)),
	}
	s.Counters.Redelivered = l.core.Redelivered()
	if l.letters != nil {
		s.Counters.Dead, s.Counters.DeadLost = l.letters.kept.Load(), l.letters.lost.Load()
	}
	for _, ln := range l.lanes.list {
		s.Lanes = append(s.Lanes, ln.view())
	}
	return s
}
