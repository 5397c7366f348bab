package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/handover"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// outPiece is how much of what a connection is still to be sent lies in one buffer.
const outPiece = 1 << 20

// restoring makes a loop of what another process tells. It touches no descriptor.
type restoring struct {
	l     *loop
	in    *handover.Reader
	fds   []int
	state handover.State
	core  *dispatch.Rebuild[*message]
	conns int
}

// restore reads State, requests and connections up to the end. Whatever they are, it returns an error or l is as another loop was.
func (l *loop) restore(in *handover.Reader, fds []int) error {
	r := &restoring{l: l, in: in, fds: fds}
	if err := in.Expect(handover.KindState, &r.state); err != nil {
		return err
	}
	if err := r.begin(); err != nil {
		return err
	}
	for {
		kind, head, body, err := in.Next()
		switch {
		case err != nil:
			return err
		case kind == handover.KindRequest:
			err = r.request(head, body)
		case kind == handover.KindConn:
			err = r.conn(head, body)
		case kind == handover.KindEnd:
			return r.end()
		default:
			err = fmt.Errorf("a %q came among requests and connections", kind)
		}
		if err != nil {
			return err
		}
	}
}

// begin sets the clock, so that what was since the other loop began is since this one did.
func (r *restoring) begin() (err error) {
	l, elapsed := r.l, time.Duration(monotonic()-r.state.Began)
	if l.opts.ForgetWorkers {
		r.state.Leaving, r.state.OnHold, r.state.Letters.Recent, r.state.Letters.Awaited = nil, nil, nil, nil
	}
	if elapsed < r.state.Now || r.state.Now < 0 {
		return errors.New("the clocks do not agree")
	}
	l.began = time.Now().Add(-elapsed)
	l.now = r.state.Now
	l.count, l.lanes.last, l.lanes.leaving.names, l.quiet = r.state.Counters, r.state.Lane, r.state.Leaving, r.state.Quiet
	l.lanes.onHold = slices.Sorted(slices.Values(r.state.OnHold))
	if l.letters != nil {
		l.letters.remember(r.state.Letters)
	}
	r.core, err = dispatch.NewRebuild[*message](l.opts.Dispatch, r.state.Core)
	return err
}

func (r *restoring) request(head []byte, body int) error {
	s, err := handover.ParseRequest(head)
	if err != nil {
		return err
	}
	if s.Late {
		if body > 0 {
			return errors.New("a request that is late has a message")
		}
		return r.core.Add(s.RequestState, nil)
	}
	wire, err := r.read(body)
	if err != nil {
		return err
	}
	envelope, ok := zmtp.Envelope(wire)
	if !ok {
		return errors.New("a request has no envelope")
	}
	m := r.l.pool.adopted(wire, wire)
	m.envelope, m.arrived, m.attempts = envelope, s.Arrived, s.Attempts
	return r.core.Add(s.RequestState, m)
}

// read reads n bytes of a body into a pooled buffer. So much is only believed as it comes.
func (r *restoring) read(n int) (b []byte, err error) {
	for len(b) < n {
		at := len(b)
		b = r.l.pool.grow(b, min(n-at, max(at, outPiece)))
		b = b[:min(n, cap(b))]
		if err := r.in.Body(b[at:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (r *restoring) conn(head []byte, body int) error {
	var s handover.Conn
	if err := handover.Parse(head, &s); err != nil {
		return err
	}
	if r.conns == len(r.fds) || s.In < 0 || s.In > body {
		return errors.New("a connection has no descriptor, or less was read of it than it says")
	}
	c := r.l.newConn(r.fds[r.conns], frontend)
	if s.Backend {
		c.side = backend
	}
	r.conns++
	c.since, c.until, c.pongs, c.mute = s.Since, s.Until, s.Pongs, s.Mute
	c.paused, c.choked, c.complained = s.Paused, s.Choked, s.Complained
	if err := r.peer(c, s); err != nil {
		return err
	}
	var err error
	if c.in, err = r.read(s.In); err != nil {
		return err
	}
	for left := body - s.In; left > 0; {
		b, err := r.read(min(left, outPiece))
		if err != nil {
			return err
		}
		m := r.l.pool.adopted(b, b)
		c.out.refer(m, b)
		r.l.pool.release(m)
		left -= len(b)
	}
	r.l.hold(c)
	return nil
}

// peer says who is behind a connection.
func (r *restoring) peer(c *conn, s handover.Conn) error {
	switch {
	case s.Shake != nil:
		c.shake = &zmtp.Handshake{}
		r.l.shaking = append(r.l.shaking, c)
		return c.shake.Resume(r.l.roles[c.side], *s.Shake)
	case c.side == frontend:
		if c.client = r.core.Client(s.Client); c.client == nil || c.client.Data != nil {
			return fmt.Errorf("there is no client %d, or two", s.Client)
		}
		c.client.Data = c
		r.l.clients++
		return nil
	case s.Lane == nil:
		return errors.New("a worker's connection has no worker")
	}
	core := r.core.Lane(s.Lane.Core)
	if core == nil || core.Data != nil {
		return fmt.Errorf("there is no lane %d, or two", s.Lane.Core)
	}
	core.Data = c
	if r.l.opts.ForgetWorkers && s.Lane.Worker != "" {
		s.Lane.Worker, s.Lane.Orphan = "", true
	}
	c.lane = &lane{
		id: s.Lane.ID, conn: c, core: core, worker: s.Lane.Worker, peer: s.Lane.Peer, pid: s.Lane.Pid, since: s.Lane.Since,
		orphan: s.Lane.Orphan, told: s.Lane.Told, hung: s.Lane.Hung, unfit: s.Lane.Unfit, worse: s.Lane.Worse, until: s.Lane.Out,
		heartbeat: heartbeat{heard: s.Lane.Heard, pinged: s.Lane.Pinged, able: s.Lane.Able},
	}
	r.l.lanes.list = append(r.l.lanes.list, c.lane)
	return nil
}

// end holds what has come against each other.
func (r *restoring) end() error {
	l := r.l
	core, err := r.core.Done()
	if err != nil {
		return err
	}
	if r.conns != len(r.fds) || core.Clients() != l.clients || core.Lanes() != len(l.lanes.list) {
		return fmt.Errorf("there are %d connections for %d descriptors, %d clients and %d workers", r.conns, len(r.fds), core.Clients(), core.Lanes())
	}
	byID := func(a, b *lane) int { return cmp.Compare(a.id, b.id) }
	slices.SortFunc(l.lanes.list, byID)
	for i, ln := range l.lanes.list {
		if ln.id > l.lanes.last || i > 0 && ln.id == l.lanes.list[i-1].id {
			return fmt.Errorf("there cannot be a lane %d, or not twice", ln.id)
		}
		if !core.Unfit(ln.core) { // with other settings
			ln.unfit = ""
			if ln.worker == "" {
				core.Resume(ln.core)
			}
		}
	}
	slices.SortStableFunc(l.shaking, func(a, b *conn) int { return cmp.Compare(a.until, b.until) })
	l.core = core
	return nil
}
