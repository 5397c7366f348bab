package dispatch

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
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

// runClocks lists the requests by age. Deadlines rely on that order.
func (b *Rebuild[M]) runClocks() error {
	var last *request[M]
	for _, some := range b.ages {
		for _, r := range some {
			switch {
			case r == nil:
				continue
			case last != nil && r.arrived < last.arrived:
				return fmt.Errorf("request %d is listed as younger than %d, and is older", r.index, last.index)
			}
			last = r
			b.d.byAge.pushBack(&r.clock)
		}
	}
	return nil
}

// takeTurns lists the clients as they were listed.
func (b *Rebuild[M]) takeTurns() error {
	for _, id := range b.state.Turns {
		c := b.clients[id]
		if c == nil || c.turn.linked() {
			return fmt.Errorf("client %d cannot have a turn", id)
		}
		b.d.turns.pushBack(&c.turn)
	}
	for _, held := range []struct {
		ids  []uint64
		gate gate
		to   *list[Client[M]]
	}{{b.state.Pausing, pausing, &b.d.pausing}, {b.state.Paused, paused, &b.d.paused}, {b.state.Resuming, resuming, &b.d.resuming}} {
		for _, id := range held.ids {
			c := b.clients[id]
			if c == nil || c.held.linked() {
				return fmt.Errorf("client %d cannot be %s", id, held.gate)
			}
			c.move(held.gate, held.to)
		}
	}
	return nil
}

// placeLanes puts lanes into their buckets in the order that there was; then those that have room only now.
func (b *Rebuild[M]) placeLanes() error {
	for _, id := range slices.Concat(b.state.Free, b.state.Spare) {
		l := b.lanes[id]
		if l == nil || l.place.linked() {
			return fmt.Errorf("lane %d cannot be free", id)
		}
		b.offer(l)
	}
	for l := b.d.lanes.front(); l != nil; l = l.all.next.owner {
		if !l.place.linked() {
			b.offer(l)
		}
	}
	for _, id := range b.state.Drained {
		l := b.lanes[id]
		if l == nil || l.place.linked() || !l.draining || l.outstanding > 0 {
			return fmt.Errorf("lane %d cannot be drained", id)
		}
		b.d.drained.pushBack(&l.place)
	}
	return nil
}

func (b *Rebuild[M]) offer(l *Lane[M]) {
	switch {
	case l.hasRoom():
		b.d.offer(l)
	case l.isSpare():
		b.d.spare.pushBack(&l.place)
	}
}

// timeLanes runs the lanes' clocks. Where there was no Timeout before, a lane's time is what it has taken since it last answered.
func (b *Rebuild[M]) timeLanes() error {
	var timed []*Lane[M]
	known := make(map[uint64]bool, len(b.state.Timed))
	for _, id := range b.state.Timed {
		l := b.lanes[id]
		if l == nil || known[id] || l.outstanding == 0 || l.stuck {
			return fmt.Errorf("the time of lane %d cannot run", id)
		}
		known[id] = true
		timed = append(timed, l)
	}
	if b.d.cfg.Timeout == 0 {
		return nil
	}
	for l := b.d.lanes.front(); l != nil; l = l.all.next.owner {
		if l.outstanding > 0 && !l.stuck && !known[l.id] {
			l.began = l.since
			timed = append(timed, l)
		}
	}
	slices.SortStableFunc(timed, func(a, b *Lane[M]) int { return cmp.Compare(a.began, b.began) })
	for _, l := range timed {
		b.d.timed.pushBack(&l.clock)
	}
	return nil
}

// attendLanes has lanes with nothing to do wait for what they waited for. Where there were no probes before, their time begins now.
func (b *Rebuild[M]) attendLanes() error {
	if b.d.cfg.Probe == 0 {
		return nil
	}
	for _, waits := range []struct {
		ids    []uint64
		probed bool
		in     *list[Lane[M]]
	}{{b.state.Fresh, false, &b.d.fresh}, {b.state.Resting, false, &b.d.resting}, {b.state.Probed, true, &b.d.probed}, {b.state.Silent, true, &b.d.silent}} {
		for _, id := range waits.ids {
			l := b.lanes[id]
			if l == nil || l.pulse.linked() || l.outstanding > 0 || l.draining || l.Aside() || waits.probed != (l.probe != 0) {
				return fmt.Errorf("lane %d cannot wait for a probe, or for an answer", id)
			}
			if last := waits.in.back(); last != nil && waits.in != &b.d.fresh && l.pulsed < last.pulsed {
				return fmt.Errorf("lane %d is listed as having waited less than lane %d, and has waited more", id, last.id)
			}
			waits.in.pushBack(&l.pulse)
		}
	}
	for l := b.d.lanes.front(); l != nil; l = l.all.next.owner {
		b.d.attend(l)
	}
	return nil
}
