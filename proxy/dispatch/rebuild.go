package dispatch

import (
	"errors"
	"fmt"
)

// maxRequests is more than any machine has memory for. A State that claims more is wrong.
const maxRequests = 1 << 26

// Rebuild makes a Dispatcher of a State and its requests: begin with NewRebuild, Add each request, and then call Done. The Config may be
// another one than before: it holds for what comes, and nothing that is there already is dropped for it.
//
// Whatever the values are, the result is an error or a Dispatcher whose books agree.
type Rebuild[M any] struct {
	d       *Dispatcher[M]
	state   State
	clients map[uint64]*Client[M]
	lanes   map[uint64]*Lane[M]
	gone    *Client[M] // stands for all that have left
	ages    [][]*request[M]
	added   int
}

const agesAtOnce = 4096 // so that a claim of many requests costs no memory

// NewRebuild begins with clients and lanes.
func NewRebuild[M any](cfg Config, s State) (*Rebuild[M], error) {
	if s.Requests < 0 || s.Requests > maxRequests {
		return nil, fmt.Errorf("cannot have %d requests", s.Requests)
	}
	b := &Rebuild[M]{
		d: New[M](cfg), state: s, clients: map[uint64]*Client[M]{}, lanes: map[uint64]*Lane[M]{},
		ages: make([][]*request[M], s.Requests/agesAtOnce+1),
	}
	d := b.d
	d.deliveries, d.redelivered, d.failed = s.Deliveries, s.Redelivered, s.Failed
	d.delivered, d.answered, d.waited, d.goneBusy = s.Delivered, s.Answered, s.Waited, s.GoneBusy
	for _, id := range s.Clients {
		if b.clients[id] != nil || id == 0 {
			return nil, fmt.Errorf("there cannot be a client %d, or not twice", id)
		}
		b.clients[id] = d.Join()
		b.clients[id].id = id
	}
	for _, l := range s.Lanes {
		if b.lanes[l.ID] != nil || l.ID == 0 {
			return nil, fmt.Errorf("there cannot be a lane %d, or not twice", l.ID)
		}
		if l.Failures < 0 || l.Probe != 0 && uint32(l.Probe) != noRequest {
			return nil, fmt.Errorf("lane %d cannot have a probe %#x, nor failed %d", l.ID, uint64(l.Probe), l.Failures)
		}
		b.lanes[l.ID] = b.up(l)
	}
	d.joined, d.upped = s.Joined, s.Upped
	b.gone = &Client[M]{left: true}
	b.gone.queue.init()
	return b, nil
}

// up makes a lane that is in no bucket yet.
func (b *Rebuild[M]) up(s LaneState) *Lane[M] {
	l := b.d.Up()
	b.d.unplace(l)
	l.pulse.unlink()
	l.id, l.answered, l.service, l.since, l.busy, l.began = s.ID, s.Answered, s.Service, s.Since, s.Busy, s.Began
	l.draining, l.onHold, l.stuck, l.owed, l.pulsed = s.Draining, s.OnHold, s.Stuck, s.Owed, s.Pulsed
	if b.d.cfg.Probe > 0 { // or else nobody would ever find it fit again
		l.probe, l.failures = s.Probe, s.Failures
	}
	l.able = false // until it is counted
	if b.d.cfg.Eject > 0 {
		l.standing = s.Standing.standing()
	}
	if b.d.cfg.Prefetch == 0 && l.answered > 0 {
		l.allowance = allowance(b.d.cfg.Target, l.service)
	}
	return l
}

// Client returns the client with that ID, or nil, so that the shell may set its Data.
func (b *Rebuild[M]) Client(id uint64) *Client[M] { return b.clients[id] }

// Lane returns the lane with that ID, or nil.
func (b *Rebuild[M]) Lane(id uint64) *Lane[M] { return b.lanes[id] }

// Add adds the next of the requests, in the order in which Requests gave them.
func (b *Rebuild[M]) Add(s RequestState, m M) error {
	c, l, err := b.places(s)
	if err != nil {
		return fmt.Errorf("cannot have request %d: %w", s.Index, err)
	}
	r := b.d.slab.claim(s.Index)
	if r == nil {
		return fmt.Errorf("cannot have request %d twice", s.Index)
	}
	b.added++
	r.message, r.client, r.lane, r.size, r.delivery = m, c, l, s.Size, s.Delivery
	r.arrived, r.strikes, r.cause, r.late = s.Arrived, s.Strikes, s.Cause, s.Late
	switch {
	case s.Ended:
		b.d.ended.pushBack(&r.node)
	case l != nil:
		l.held.pushBack(&r.node)
		l.outstanding++
		b.d.outstanding++
		c.outstanding++
	default:
		c.queue.pushBack(&r.node)
		b.d.count(r)
	}
	return b.grow(r, s.Age)
}

// places finds a request's client and lane, and says what cannot be.
func (b *Rebuild[M]) places(s RequestState) (*Client[M], *Lane[M], error) {
	c, l := b.gone, b.lanes[s.Lane]
	if s.Client != 0 {
		c = b.clients[s.Client]
	}
	switch {
	case c == nil || l == nil && s.Lane != 0:
		return nil, nil, errors.New("there is no such client or lane")
	case s.Index >= maxRequests || s.Size < 0 || s.Strikes < 0 || s.Cause > LaneLost || s.Age < 0 || s.Age > b.state.Requests:
		return nil, nil, errors.New("a number is out of its bounds")
	case s.Ended && (l != nil || s.Late):
		return nil, nil, errors.New("it has ended and is at a lane")
	case l != nil && s.Delivery == 0:
		return nil, nil, errors.New("it is at a lane and was never delivered")
	case s.Late && l == nil:
		return nil, nil, errors.New("it is late and at no lane")
	case c == b.gone && l == nil && !s.Ended:
		return nil, nil, errors.New("it waits, and its client has left")
	case !s.Ended && s.Late == (s.Age > 0):
		return nil, nil, errors.New("its deadline does not run, or runs though it is over")
	}
	return c, l, nil
}

// grow notes a request's place among those whose deadline runs.
func (b *Rebuild[M]) grow(r *request[M], age int) error {
	if age == 0 {
		return nil
	}
	some := &b.ages[age/agesAtOnce]
	if *some == nil {
		*some = make([]*request[M], agesAtOnce)
	}
	if at := &(*some)[age%agesAtOnce]; *at == nil {
		*at = r
		return nil
	}
	return fmt.Errorf("cannot have request %d: another one is as old", r.index)
}

// Done returns the Dispatcher when all requests were added.
func (b *Rebuild[M]) Done() (*Dispatcher[M], error) {
	if b.added != b.state.Requests {
		return nil, fmt.Errorf("there are %d requests of %d", b.added, b.state.Requests)
	}
	err := errors.Join(b.runClocks(), b.takeTurns(), b.judgeLanes(), b.placeLanes(), b.timeLanes(), b.attendLanes())
	if err == nil && b.d.cfg.Eject > 0 {
		b.d.keepCap() // it may be lower than before
	}
	if err == nil {
		err = b.d.Check()
	}
	if err != nil {
		return nil, err
	}
	b.d.slab.vacate()
	return b.d, nil
}
