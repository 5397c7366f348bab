package proxy

import (
	"slices"
	"time"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// lane is one worker connection.
type lane struct {
	id     uint64
	conn   *conn
	core   *dispatch.Lane[*message]
	worker string // its name, when it gave one or was given one
	peer   string
	pid    int
	since  time.Time
	orphan bool   // it was a worker of a supervisor that is gone, and ends too
	told   bool   // its LaneUp was published
	hung   string // why it was set aside; "": it is not
	unfit  string // why it gets nothing until it answers a probe; "": it does
	worse  string // why it was ejected, when it was last
	until  time.Time

	heartbeat heartbeat
}

// lanes are the loop's worker connections, with what the control socket asks about them.
type lanes struct {
	list     []*lane // in the order in which they came
	last     uint64
	resolver *resolver
	watchers []*watcher
	unread   []control.Event // published at the end of the turn
	leaving  leaving
	onHold   []string // workers that are not ready, sorted: their lanes get nothing new, also those that connect later
}

// close ends the resolver, and the watchers' streams with the loop.
func (s *lanes) close() { close(s.resolver.asked) }

// up makes a lane of an established connection. It takes requests at once; who it is may be found out later.
func (s *lanes) up(l *loop, c *conn, peer zmtp.Peer) *lane {
	s.last++
	ln := &lane{id: s.last, conn: c, core: l.core.Up(), worker: peer.User, peer: peerAddress(c.fd), since: time.Now()}
	ln.core.Data = c
	ln.heartbeat = heartbeat{heard: l.now, able: peer.Minor >= 1}
	s.list = append(s.list, ln)
	s.admit(l, ln)
	s.resolver.ask(c.fd, ln.id)
	return ln
}

// resolved learns the pid behind a lane, 0 when it cannot be known, and tells that the lane is up.
func (s *lanes) resolved(id uint64, pid int) {
	if ln := s.find(id); ln != nil {
		ln.pid, ln.told = pid, true
		s.tell(control.Event{Kind: control.LaneUp, At: time.Now(), Lane: ln.view()})
	}
}

// down forgets a lane whose connection ended.
func (s *lanes) down(ln *lane, reason string) {
	s.list = slices.DeleteFunc(s.list, func(other *lane) bool { return other == ln })
	if ln.told {
		s.tell(control.Event{Kind: control.LaneDown, At: time.Now(), Lane: ln.view(), Reason: reason})
	}
	s.leaving.check(s.list, ln.worker)
}

// stuck tells that a lane is set aside because its worker hangs.
func (s *lanes) stuck(ln *lane, reason string) {
	ln.hung = reason
	if ln.told {
		s.tell(control.Event{Kind: control.LaneStuck, At: time.Now(), Lane: ln.view(), Reason: reason})
	}
}

// back tells that a lane which was set aside, or ejected, is used again.
func (s *lanes) back(ln *lane) {
	ln.hung = ""
	if ln.told {
		s.tell(control.Event{Kind: control.LaneBack, At: time.Now(), Lane: ln.view()})
	}
}

// named gives a lane the name of its worker.
func (s *lanes) named(l *loop, id uint64, worker string) bool {
	ln := s.find(id)
	if ln == nil {
		return false
	}
	ln.worker, ln.orphan = worker, false
	s.admit(l, ln)
	return true
}

// admit does to a lane what was said of its worker before.
func (s *lanes) admit(l *loop, ln *lane) {
	if s.leaving.includes(ln.worker) {
		l.core.Drain(ln.core)
	}
	s.holdOne(l, ln)
}

// hold gives the lanes of these workers nothing new, and those of all others requests again. A worker that is being drained stays so.
func (s *lanes) hold(l *loop, workers []string) {
	s.onHold = slices.Sorted(slices.Values(workers))
	for _, ln := range s.list {
		s.holdOne(l, ln)
	}
}

// holdOne also holds a worker of nobody's that fails its probes. Of others their supervisor decides.
func (s *lanes) holdOne(l *loop, ln *lane) {
	_, on := slices.BinarySearch(s.onHold, ln.worker)
	if ln.worker == "" {
		on = ln.unfit != ""
	}
	if on {
		_, out := ln.core.Ejected() // which that ends
		l.core.Hold(ln.core)
		if out {
			s.back(ln)
		}
	} else {
		l.core.Resume(ln.core)
	}
}

// drain gives a worker's lanes nothing new and answers when they hold nothing.
func (s *lanes) drain(l *loop, worker string, answer chan<- error) {
	s.leaving.add(worker, answer)
	for _, ln := range s.list {
		if ln.worker == worker {
			l.core.Drain(ln.core)
		}
	}
	s.leaving.check(s.list, worker)
}

// drained is the dispatcher's word that a lane which is being drained holds nothing.
func (s *lanes) drained(ln *lane) { s.leaving.check(s.list, ln.worker) }

func (s *lanes) find(id uint64) *lane {
	i, ok := slices.BinarySearchFunc(s.list, id, func(ln *lane, id uint64) int { return int(int64(ln.id) - int64(id)) })
	if !ok {
		return nil
	}
	return s.list[i]
}

// ejected tells that a lane gets nothing for a while.
func (s *lanes) ejected(ln *lane, reason string, until time.Time) {
	ln.worse, ln.until = reason, until
	if ln.told {
		s.tell(control.Event{Kind: control.LaneEjected, At: time.Now(), Lane: ln.view(), Reason: reason})
	}
}

// view is the lane as the outside sees it.
func (ln *lane) view() control.Lane {
	view := control.Lane{
		ID:       ln.id,
		Worker:   ln.worker,
		Peer:     ln.peer,
		Pid:      ln.pid,
		Since:    ln.since,
		Inflight: ln.core.Outstanding(),
		Answered: ln.core.Answered(),
		Draining: ln.core.Draining(),
		OnHold:   ln.core.OnHold(),
		Stuck:    ln.hung,
		Unfit:    ln.unfit,
		Doubtful: ln.core.Doubtful(),
	}
	if _, ejected := ln.core.Ejected(); ejected {
		view.Ejected, view.EjectedUntil = ln.worse, ln.until
	}
	return view
}

// peerAddress is the remote end of a connection, for people.
func peerAddress(fd int) string {
	peer, err := endpoint.PeerOf(fd)
	switch {
	case err != nil:
		return "gone"
	case peer.Remote.IsValid():
		return peer.Remote.String()
	}
	return "ipc"
}
