package sim

import (
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// job is a request.
type job struct {
	id      int
	from    *client
	size    int
	state   state
	arrived time.Duration
	lane    *lane
	token   dispatch.Token
	given   int // deliveries
	strikes int
	cause   dispatch.Cause
}

// state of a job: waiting ↔ running → ended; either → ending → ended; running → late → ended, when its time is up before its lane replies.
type state uint8

const (
	waiting state = iota
	running
	ending // Next is to say Fail, or Discard if its client has left
	late   // Next has said so, and its lane still has it
	ended
)

func (s state) String() string {
	return [...]string{"waits", "runs", "is ending", "is late", "has ended"}[s]
}

// client is one life of a client's connection.
type client struct {
	id     int
	core   *dispatch.Client[*job]
	queue  []*job
	runs   int // at lanes
	since  int // serial of when it was served or began to wait, whichever was later
	served int // serial of the last delivery
	left   bool
	paused bool
	over   bool // has added to a full queue with one of its own waiting, so that a Pause is due
	eased  bool // there was room since, so that the Pause may be left out
}

// lane is one life of a worker's connection.
type lane struct {
	id               int
	core             *dispatch.Lane[*job]
	held             []*job
	onHold           bool
	pulse            pulse
	draining         bool
	drained          bool
	stuck            bool
	ejected          dispatch.Fault   // and we were told
	out              bool             // ejected as the dispatcher sees it, who may have more to tell
	bad              int              // answers that are held against it, or might be; a timeout counts as many as it does
	owed             []dispatch.Token // what it held when it was set aside, and has not answered since
	oldest           *job
	began            time.Duration // on its oldest
	since            time.Duration // when it got something while idle, or answered
	fastest, slowest time.Duration
	answers          uint64
	changed          int // serial of when it came up, got or answered something
	gone             bool
}
