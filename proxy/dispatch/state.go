package dispatch

import (
	"iter"
	"time"
)

// State is all that a Dispatcher knows but for its requests, as plain values: another process can make the same Dispatcher of it and of what
// Requests gives. Clients and lanes are named by their IDs, which are never zero.
type State struct {
	Clients []uint64    // in the order in which they joined
	Lanes   []LaneState // in the order in which they came up

	Turns                     []uint64 // clients with waiting requests; the first one is next
	Pausing, Paused, Resuming []uint64 // clients, by gate
	Free                      []uint64 // lanes with room: who holds least first, and of those who has been so the longest; then doubtful ones
	Drained                   []uint64 // lanes for which Drained is due
	Timed                     []uint64 // lanes whose time runs, who began first at the front
	Fresh, Resting            []uint64 // lanes that have nothing to do: since Next was last called; longer, the longest at the front
	Probed, Silent            []uint64 // lanes whose answer to a probe is waited for, or is late, by since when

	Ejected  []uint64 // lanes, by for how long and when they are back
	Spare    []uint64 // of these, the slow ones that hold nothing
	Verdicts []uint64 // lanes of whose ejection or return is to be told
	Habits   []Habit  // of clients that have had bad answers lately

	Requests            int // how many there are
	Deliveries          uint32
	Redelivered, Failed uint64
	Delivered, Answered uint64
	Waited              uint64 // microseconds
	GoneBusy            time.Duration
	Joined, Upped       uint64
}

// LaneState is one lane. Its allowance follows from these and from the Config.
type LaneState struct {
	ID          uint64
	Answered    uint64
	Service     time.Duration
	Since, Busy time.Duration
	Began       time.Duration
	Draining    bool    `json:",omitempty"`
	OnHold      bool    `json:",omitempty"`
	Stuck       bool    `json:",omitempty"`
	Owed        []Token `json:",omitempty"`

	Probe    Token         `json:",omitempty"` // that it has to answer
	Failures int           `json:",omitempty"` // of probes
	Pulsed   time.Duration `json:",omitempty"`

	Standing Standing `json:",omitzero"`
}

// Standing is how well a lane has worked, in a Dispatcher's own units.
type Standing struct {
	Failing, Slow int32         `json:",omitempty"` // scores
	Curbed        bool          `json:",omitempty"`
	Pace          int32         `json:",omitempty"`
	Fault         Fault         `json:",omitempty"`
	Told          Fault         `json:",omitempty"`
	Row           int           `json:",omitempty"`
	Until         time.Duration `json:",omitempty"`
	Others        int32         `json:",omitempty"`
}

// Habit is how often a client has had bad answers lately, in a Dispatcher's own units.
type Habit struct {
	Client        uint64
	Failing, Slow int32 `json:",omitempty"`
}

// RequestState is one request without its message. It waits in its client's queue, or is at a lane, or has ended and Next has not said so.
type RequestState struct {
	Index    uint32 // with Delivery its Token
	Delivery uint32 // 0: it was never delivered
	Client   uint64 // 0: it has left
	Lane     uint64 // 0: it is at none
	Size     int
	Arrived  time.Duration
	Age      int // its place among those whose deadline runs, from 1, the oldest; 0: its own does not
	Strikes  int32
	Ended    bool
	Cause    Cause
	Late     bool // its lane has it, and its client was told of the deadline: there is no message
}

// ID is the client's number in a State, and that of the Client which is made of it.
func (c *Client[M]) ID() uint64 { return c.id }

// ID is the lane's number in a State, and that of the Lane which is made of it.
func (l *Lane[M]) ID() uint64 { return l.id }

// State returns all but the requests. Like them it takes time in proportion to what there is, and changes nothing.
func (d *Dispatcher[M]) State() State {
	s := State{
		Turns: clientIDs(&d.turns), Pausing: clientIDs(&d.pausing), Paused: clientIDs(&d.paused), Resuming: clientIDs(&d.resuming),
		Drained: laneIDs(&d.drained), Timed: laneIDs(&d.timed), Spare: laneIDs(&d.spare), Verdicts: laneIDs(&d.verdicts),
		Fresh: laneIDs(&d.fresh), Resting: laneIDs(&d.resting), Probed: laneIDs(&d.probed), Silent: laneIDs(&d.silent),
		Requests: d.slab.live(), Deliveries: d.deliveries, Redelivered: d.redelivered, Failed: d.failed,
		Delivered: d.delivered, Answered: d.answered, Waited: d.waited, GoneBusy: d.goneBusy, Joined: d.joined, Upped: d.upped,
	}
	for c := d.clients.front(); c != nil; c = c.all.next.owner {
		s.Clients = append(s.Clients, c.id)
		if c.usual != (usual{}) {
			s.Habits = append(s.Habits, Habit{c.id, c.usual[Failing-1], c.usual[Slow-1]})
		}
	}
	for l := d.lanes.front(); l != nil; l = l.all.next.owner {
		s.Lanes = append(s.Lanes, l.asState())
	}
	for _, b := range []*buckets[M]{&d.free, &d.doubtful} {
		for i := range b.lanes {
			s.Free = append(s.Free, laneIDs(&b.lanes[i])...)
		}
	}
	for i := range d.ejected {
		s.Ejected = append(s.Ejected, laneIDs(&d.ejected[i])...)
	}
	return s
}

func (l *Lane[M]) asState() LaneState {
	return LaneState{
		ID: l.id, Answered: l.answered, Service: l.service, Since: l.since, Busy: l.busy, Began: l.began,
		Draining: l.draining, OnHold: l.onHold, Stuck: l.stuck, Owed: l.owed, Standing: l.standing.asState(),
		Probe: l.probe, Failures: l.failures, Pulsed: l.pulsed,
	}
}

func clientIDs[M any](l *list[Client[M]]) (ids []uint64) {
	for n := l.root.next; n != &l.root; n = n.next {
		ids = append(ids, n.owner.id)
	}
	return ids
}

func laneIDs[M any](l *list[Lane[M]]) (ids []uint64) {
	for n := l.root.next; n != &l.root; n = n.next {
		ids = append(ids, n.owner.id)
	}
	return ids
}

// Requests gives every request with its message: the queues of the clients, what the lanes hold, and those that have ended, each in its
// order. The message of a late one is the zero M. Nothing may be changed meanwhile.
func (d *Dispatcher[M]) Requests() iter.Seq2[RequestState, M] {
	return func(yield func(RequestState, M) bool) {
		ages := d.ages()
		each := func(l *list[request[M]], ended bool) bool {
			for r := l.front(); r != nil; r = r.node.next.owner {
				if !yield(r.asState(ages[r.index], ended), r.message) {
					return false
				}
			}
			return true
		}
		for c := d.clients.front(); c != nil; c = c.all.next.owner {
			if !each(&c.queue, false) {
				return
			}
		}
		for l := d.lanes.front(); l != nil; l = l.all.next.owner {
			if !each(&l.held, false) {
				return
			}
		}
		each(&d.ended, true)
	}
}

// ages is the place of each request in byAge, by its index. A list in that order would lose the order of the queues.
func (d *Dispatcher[M]) ages() []uint32 {
	ages := make([]uint32, len(d.slab.chunks)*chunkSize)
	place := uint32(0)
	for r := d.byAge.front(); r != nil; r = r.clock.next.owner {
		place++
		ages[r.index] = place
	}
	return ages
}

func (r *request[M]) asState(age uint32, ended bool) RequestState {
	s := RequestState{
		Index: r.index, Delivery: r.delivery, Size: r.size, Arrived: r.arrived, Age: int(age),
		Strikes: r.strikes, Ended: ended, Cause: r.cause, Late: r.late,
	}
	if !r.client.left {
		s.Client = r.client.id
	}
	if r.lane != nil {
		s.Lane = r.lane.id
	}
	return s
}

// Away says that the shell did not listen to anybody for so long, so that this counts neither as time that a lane took nor towards its
// Timeout, nor as time in which it did not answer a probe. Deadlines go on.
func (d *Dispatcher[M]) Away(by time.Duration) {
	for l := d.lanes.front(); l != nil; l = l.all.next.owner {
		l.since += by
		l.began += by
		l.pulsed += by
	}
}
