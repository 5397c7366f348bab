package launch

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/proxy/control"
)

// roster knows a service's lanes as its proxy tells them, and which worker each belongs to. A plugin's lane says it in its handshake; a
// plain command's is recognised by its process, and its name told to the proxy. A lane of no worker is a foreign one.
//
// Its goroutine, run, owns all but said, ctx and the wait group.
type roster struct {
	tellName func(ctx context.Context, lane uint64, worker string) error
	judged   func(worker string, e control.Event) // a lane of this worker, "" a foreign one, is ejected, or back
	log      zerolog.Logger
	said     chan rosterSaid
	ctx      context.Context
	end      context.CancelFunc
	busy     sync.WaitGroup

	stream  context.Context // ends when the events that are followed do; nil: none are
	forget  context.CancelFunc
	current int      // number of that stream
	next    *listing // nil: none is being told
	streams int      // that were followed
	lanes   map[uint64]control.Lane
	naming  map[uint64]bool // lanes whose name is being told to the proxy
	members map[string]*member
}

// listing is a stream of events whose lanes are not all told yet. Until they are, what is known stays: another proxy may have taken over, with
// the same lanes.
type listing struct {
	number int
	lanes  map[uint64]control.Lane
}

// member is a worker whose life has a process.
type member struct {
	pgid   int           // of a plain command; 0: its lanes say whose they are
	stuck  string        // why one of its lanes was set aside; it stays so
	news   chan laneNews // holds the latest, if it has not been read
	latest laneNews
}

// rosterSaid is what the roster is told.
type rosterSaid interface{ said() }

type (
	joinSaid struct {
		name string
		m    *member
	}
	leaveSaid struct{ name string }
	// followSaid: a stream of events begins; its number is the answer.
	followSaid struct{ number chan<- int }
	// lostSaid: that stream has ended. heir: another proxy takes over from the one that told it.
	lostSaid struct {
		number int
		heir   bool
	}
	goneSaid  struct{} // there is no proxy any more
	eventSaid struct {
		number int
		control.Event
	}
	// namedSaid: the proxy has taken a lane's name, or not.
	namedSaid struct {
		stream context.Context // another one may use the same numbers for other lanes
		lane   uint64
		name   string
		err    error
	}
)

func (joinSaid) said()   {}
func (leaveSaid) said()  {}
func (followSaid) said() {}
func (lostSaid) said()   {}
func (goneSaid) said()   {}
func (eventSaid) said()  {}
func (namedSaid) said()  {}

func newRoster(tellName func(context.Context, uint64, string) error, judged func(string, control.Event), log zerolog.Logger) *roster {
	r := &roster{tellName: tellName, judged: judged, log: log, said: make(chan rosterSaid), members: make(map[string]*member)}
	r.lanes, r.naming = make(map[uint64]control.Lane), make(map[uint64]bool)
	r.ctx, r.end = context.WithCancel(context.Background())
	r.busy.Go(r.run)
	return r
}

func (r *roster) close() {
	r.end()
	r.busy.Wait()
}

// join gives a worker's lane news from now on. A pgid says that its lanes are recognised by it.
func (r *roster) join(name string, pgid int) <-chan laneNews {
	m := &member{pgid: pgid, news: make(chan laneNews, 1), latest: laneNews{up: -1}}
	r.say(joinSaid{name, m})
	return m.news
}

// leave forgets a worker. When it returns, no process is taken for it any more.
func (r *roster) leave(name string) { r.say(leaveSaid{name}) }

// follow says that events of a proxy begin, with all lanes that it has. The number that it returns stands for them.
func (r *roster) follow() int {
	number := make(chan int, 1)
	r.say(followSaid{number})
	select {
	case n := <-number:
		return n
	case <-r.ctx.Done():
		return 0
	}
}

// lost says that a stream of events has ended. When another proxy takes over, what is known stays until that tells its lanes.
func (r *roster) lost(stream int, heir bool) { r.say(lostSaid{stream, heir}) }

// gone says that there is no proxy any more.
func (r *roster) gone() { r.say(goneSaid{}) }

func (r *roster) event(stream int, e control.Event) { r.say(eventSaid{stream, e}) }

func (r *roster) say(s rosterSaid) {
	select {
	case r.said <- s:
	case <-r.ctx.Done():
	}
}

func (r *roster) run() {
	for {
		select {
		case s := <-r.said:
			r.hear(s)
			r.tellMembers()
		case <-r.ctx.Done():
			return
		}
	}
}

func (r *roster) hear(s rosterSaid) {
	switch s := s.(type) {
	case joinSaid:
		r.members[s.name] = s.m
		if s.m.pgid != 0 {
			r.recogniseAll()
		}
		for _, lane := range r.lanes {
			r.blame(lane)
		}
	case leaveSaid:
		delete(r.members, s.name)
	case followSaid:
		r.streams++
		r.next = &listing{number: r.streams, lanes: make(map[uint64]control.Lane)}
		s.number <- r.streams
	case lostSaid:
		r.ended(s)
	case goneSaid:
		r.next = nil
		r.turn(false)
	case eventSaid:
		r.told(s)
	case namedSaid:
		r.named(s)
	}
}

// ended: who has heir is not lost before that is.
func (r *roster) ended(s lostSaid) {
	switch {
	case r.next != nil && r.next.number == s.number:
		r.next = nil
	case r.current == s.number && !s.heir:
		r.turn(false)
	}
}

// told takes in an event of the stream that counts, or of the one that will.
func (r *roster) told(s eventSaid) {
	switch {
	case s.number == r.current:
		r.happened(s.Event)
	case r.next == nil || r.next.number != s.number:
	case s.Kind == control.LaneUp:
		r.next.lanes[s.Lane.ID] = s.Lane
	case s.Kind == control.Listed:
		r.list()
	}
}

// list takes the lanes of the next stream for those that there are.
func (r *roster) list() {
	next := r.next
	r.next = nil
	r.turn(true)
	r.current, r.lanes = next.number, next.lanes
	r.recogniseAll()
	for _, lane := range r.lanes {
		r.blame(lane)
	}
}

// turn forgets all that one stream of events said before another begins.
func (r *roster) turn(there bool) {
	if r.stream != nil {
		r.forget()
		r.stream = nil
	}
	if there {
		r.stream, r.forget = context.WithCancel(r.ctx)
	}
	r.current = 0
	clear(r.lanes)
	clear(r.naming)
}
