package proxy

import (
	"os"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
)

// snapshot is the proxy as it is between two turns.
func (l *loop) snapshot() control.Snapshot {
	s := control.Snapshot{
		Pid:      os.Getpid(),
		Version:  l.opts.Version,
		Since:    l.began,
		Frontend: l.bound[frontend],
		Backend:  l.bound[backend],
		Clients:  l.clients,
		Queued:   l.core.Waiting(),
		Inflight: l.core.Outstanding(),
		Load:     l.load(),
		Counters: l.count,
		Lanes:    make([]control.Lane, 0, len(l.lanes.list)),
	}
	s.Counters.Redelivered = l.core.Redelivered()
	if l.letters != nil {
		s.Counters.Dead, s.Counters.DeadLost = l.letters.kept.Load(), l.letters.lost.Load()
	}
	for _, ln := range l.lanes.list {
		s.Lanes = append(s.Lanes, l.look(ln))
	}
	return s
}

func (l *loop) load() control.Load {
	load := l.core.Load(l.now)
	return control.Load{
		OldestUS: micros(load.Oldest), Working: load.Working, Delivered: load.Delivered, WaitedUS: load.Waited,
		Answered: load.Answered, BusyUS: load.Busy,
	}
}

// look is a lane with what changes with time alone.
func (l *loop) look(ln *lane) control.Lane {
	view := ln.view()
	view.BusyUS = micros(ln.core.Busy(l.now))
	return view
}

func micros(d time.Duration) uint64 { return uint64(d / time.Microsecond) }
