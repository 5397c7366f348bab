package proxy

import (
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/handover"
)

// tellState tells what there is, and changes nothing.
func (l *loop) tellState(to *handover.Writer, conns []*conn, letters handover.Letters) error {
	if err := to.Say(handover.KindState, l.state(letters)); err != nil {
		return err
	}
	for r, m := range l.core.Requests() {
		var data []byte
		var attempts []dead.Attempt
		if m != nil {
			data, attempts = m.data, m.attempts
		}
		if err := to.Request(handover.Request{RequestState: r, Attempts: attempts}, data); err != nil {
			return err
		}
	}
	for _, c := range conns {
		if err := to.Say(handover.KindConn, c.state(), c.body()...); err != nil {
			return err
		}
	}
	return to.Say(handover.KindEnd, nil)
}

func (l *loop) state(letters handover.Letters) handover.State {
	return handover.State{
		Began: monotonic() - int64(l.elapsed()), Now: l.now, Core: l.core.State(), Counters: l.count,
		Lane: l.lanes.last, Leaving: l.lanes.leaving.names, OnHold: l.lanes.onHold, Quiet: l.quiet, Letters: letters,
	}
}

func (c *conn) state() handover.Conn {
	s := handover.Conn{
		Backend: c.side == backend, Since: c.since, Until: c.until, In: len(c.in),
		Pongs: c.pongs, Mute: c.mute, Paused: c.paused, Choked: c.choked, Complained: c.complained,
	}
	switch {
	case c.shake != nil:
		shake := c.shake.State()
		s.Shake = &shake
	case c.client != nil:
		s.Client = c.client.ID()
	default:
		s.Lane = c.lane.state()
	}
	return s
}

// body is what was read of a connection, and what it is still to be sent.
func (c *conn) body() [][]byte {
	parts := [][]byte{c.in}
	for _, p := range c.out.parts {
		parts = append(parts, p.data)
	}
	return parts
}

func (ln *lane) state() *handover.Lane {
	return &handover.Lane{
		ID: ln.id, Core: ln.core.ID(), Worker: ln.worker, Peer: ln.peer, Pid: ln.pid, Since: ln.since, Orphan: ln.orphan, Told: ln.told, Hung: ln.hung,
		Unfit: ln.unfit, Worse: ln.worse, Out: ln.until,
		Heard: ln.heartbeat.heard, Pinged: ln.heartbeat.pinged, Able: ln.heartbeat.able,
	}
}

// monotonic is a clock that all processes of this machine read alike, and that Go's own follows: nanoseconds since some time.
func monotonic() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // it cannot fail for this clock
	return now.Nano()
}
