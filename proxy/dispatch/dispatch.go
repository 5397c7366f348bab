// Package dispatch decides which worker gets the next request. It is the proxy's pure core: no I/O, no clock, no goroutine, standard
// library only. The shell tells it what happened (Join, Request, Reply, Lost, …) and then takes what to do from Next until nothing is left.
//
// It promises that a request ends in exactly one way: Reply hands its message back, or Next does in a Fail or a Discard. Until then the
// shell keeps what the message refers to, because it may have to be delivered again.
//
// It leaves to the shell: bytes, sockets, what an error reply looks like, who a lane's worker is, and time: each now is a reading of one
// clock that never goes back, and Deadline says when to call Next though nothing has happened.
//
// Request, Reply and Next cost the same however many clients, lanes and requests there are, and allocate nothing in the steady state; Lost
// and SetAside cost as much as the lane held, Load as there are lanes and what they hold. A Dispatcher belongs to one goroutine.
package dispatch

import "time"

// Token names one delivery of a request: slot index in the low 32 bits, generation in the high 32. Never zero.
type Token uint64

// Config bounds and tunes a Dispatcher. Zero values mean the defaults in parentheses.
type Config struct {
	Prefetch   int           // requests a lane may hold unanswered; 0 adapts it to the lane's service time, 1 to MaxPrefetch fixes it
	Target     time.Duration // adaptive prefetch keeps about this much work at a lane (200 µs)
	Attempts   int           // strikes after which a request is failed (3)
	Queue      int           // waiting requests at which clients are paused (100 000)
	QueueBytes int64         // the same, in bytes of the waiting requests (1 GiB)
	Reject     bool          // fail a request that the full queue does not take, instead of pausing its client
	Once       bool          // never deliver a request again: what a lost lane held is failed, and Prefetch is 1
	Timeout    time.Duration // how long a lane may work on one request until it is Stuck; 0: for ever
	Deadline   time.Duration // how long after its arrival a request is failed, wherever it is; 0: never
	Eject      time.Duration // how long a lane that is far worse than others gets nothing, for the first time; 0: never
	MaxEjected int           // percent of the lanes that may be ejected at the same time, at least one lane and never the last (50)
	Probe      time.Duration // how long a lane has nothing to do until it is sent a probe; 0: never
	Deliveries uint32        // where the count of deliveries begins, by which tokens differ: elsewhere than that of the process before (0)

	ProbeTimeout  time.Duration // how long a probe may go unanswered until it has failed (2 s)
	ProbeFailures int           // so many in a row, and the lane is Unfit (3)
}

func (c Config) withDefaults() Config {
	c.Prefetch = min(max(c.Prefetch, 0), MaxPrefetch)
	if c.Once { // what is behind the one that a lane works on would be failed though it never ran
		c.Prefetch = 1
	}
	c.Target = positive(c.Target, 200*time.Microsecond)
	c.Attempts = positive(c.Attempts, 3)
	c.Queue = positive(c.Queue, 100_000)
	c.QueueBytes = positive(c.QueueBytes, 1<<30)
	c.Timeout = min(max(c.Timeout, 0), 1<<62) // a hundred years, so that no deadline overflows
	c.Deadline = min(max(c.Deadline, 0), 1<<62)
	c.Eject = min(max(c.Eject, 0), 1<<58)
	c.MaxEjected = min(positive(c.MaxEjected, 50), 100)
	c.Probe = min(max(c.Probe, 0), 1<<61) // with its timeout, too
	c.ProbeTimeout = min(positive(c.ProbeTimeout, 2*time.Second), 1<<61)
	c.ProbeFailures = positive(c.ProbeFailures, 3)
	return c
}

func positive[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Dispatcher holds every request that has no outcome yet, and knows who is to get it. M is the shell's message.
type Dispatcher[M any] struct {
	cfg  Config
	slab slab[M]

	turns    list[Client[M]] // clients with waiting requests; the front one is next
	free     buckets[M]      // lanes with room
	doubtful buckets[M]      // the same, of those that get only what these have no room for
	ended    list[request[M]]
	drained  list[Lane[M]]
	timed    list[Lane[M]]    // lanes that hold something and are not stuck, with a Timeout; who began first is at the front
	byAge    list[request[M]] // those that have not ended, by arrival; some that have, until Next has told

	jury     jury
	ejected  [longest]list[Lane[M]] // by for how long; who is back first is at the front
	spare    list[Lane[M]]          // of these, the slow ones that hold nothing
	verdicts list[Lane[M]]          // lanes of whose ejection or return Next has to tell
	able     int                    // lanes that are neither draining nor stuck nor set aside, ejected ones among them
	nejected int

	fresh   list[Lane[M]] // with Probe, lanes that have nothing to do since Next was last called
	resting list[Lane[M]] // those that wait for a probe, who has had nothing to do for the longest at the front
	probed  list[Lane[M]] // those whose answer to one is waited for, by when it was sent
	silent  list[Lane[M]] // those that did not answer it in time, by when they failed last

	pausing, paused, resuming list[Client[M]] // by gate

	clients list[Client[M]] // all of them, for Describe
	lanes   list[Lane[M]]

	nclients, nlanes     int
	waiting, outstanding int
	bytes                int64 // of the waiting requests
	deliveries           uint32
	redelivered, failed  uint64
	delivered, answered  uint64
	waited               uint64        // microseconds
	goneBusy             time.Duration // of lanes that were lost
	joined, upped        uint64        // ever, to number clients and lanes
}

// New returns a Dispatcher without clients and lanes.
func New[M any](cfg Config) *Dispatcher[M] {
	d := &Dispatcher[M]{cfg: cfg.withDefaults(), deliveries: cfg.Deliveries}
	d.slab.init()
	d.free.init()
	d.doubtful.init()
	d.ended.init()
	d.drained.init()
	for _, l := range []*list[Lane[M]]{&d.timed, &d.fresh, &d.resting, &d.probed, &d.silent} {
		l.init()
	}
	d.byAge.init()
	d.lanes.init()
	d.spare.init()
	d.verdicts.init()
	for i := range d.ejected {
		d.ejected[i].init()
	}
	for _, l := range []*list[Client[M]]{&d.turns, &d.pausing, &d.paused, &d.resuming, &d.clients} {
		l.init()
	}
	return d
}

// Waiting returns how many requests wait for a lane.
func (d *Dispatcher[M]) Waiting() int { return d.waiting }

// WaitingBytes returns the sum of the waiting requests' sizes.
func (d *Dispatcher[M]) WaitingBytes() int64 { return d.bytes }

// Outstanding returns how many requests are at a lane, those of clients that left among them.
func (d *Dispatcher[M]) Outstanding() int { return d.outstanding }

// Clients returns how many clients have joined and not left.
func (d *Dispatcher[M]) Clients() int { return d.nclients }

// Lanes returns how many lanes are up, draining ones among them.
func (d *Dispatcher[M]) Lanes() int { return d.nlanes }

// Redelivered returns how many deliveries were not their request's first.
func (d *Dispatcher[M]) Redelivered() uint64 { return d.redelivered }

// Failed returns how many requests ended in a Fail.
func (d *Dispatcher[M]) Failed() uint64 { return d.failed }
