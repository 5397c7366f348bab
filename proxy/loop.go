package proxy

import (
	"io"
	"math/rand/v2"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

const (
	scratchSize = 64 << 10 // read at once from one connection, before the next has its turn
	poolKept    = 64 << 20 // bytes of idle buffers
)

// loop is the proxy's one thread: it owns the sockets, the dispatcher and the counters. Other goroutines reach it through its inbox.
//
// A turn takes what epoll reports, reads each socket once, lets the dispatcher decide with all of that known, and writes once to each
// socket that has something to be sent.
type loop struct {
	opts  Options
	log   zerolog.Logger
	poll  *poller
	inbox inbox
	began time.Time
	now   time.Duration // since began, once a turn
	fatal error

	core  *dispatch.Dispatcher[*message]
	pool  pool
	roles [2]*zmtp.Role // by side

	listeners []*listener
	bound     [2][]string // endpoints, by side
	conns     []*conn     // by descriptor
	clients   int         // established frontend connections
	open      int         // connections, handshakes under way included
	room      [2]int      // at how many connections no more are taken, by side
	trusted   int         // connections whose buffers may be larger than what has come
	dirty     []*conn     // have output
	shaking   []*conn     // handshakes under way, oldest first; some are done or closed already
	lanes     lanes
	scratch   []byte
	vec       vector
	reclaimer *reclaimer
	tidyAt    time.Duration // when idle buffers are next let go of
	tidied    uint64        // pool.gone at that time
	spare     uint64        // bytes let go of since memory was last given back
	nextBeat  time.Duration // when lanes are looked at for heartbeats
	acting    bool          // act is under way

	count   control.Counters
	letters *letterWriter // nil: none are kept
	reports *reports      // of the logs that a hostile peer could repeat for ever

	quiet   bool           // no new requests: the proxy is being emptied
	emptied []chan<- error // who waits for that
	ending  time.Duration  // when the loop gives up being emptied and ends; 0: it is not ending
	done    bool

	giving []giving  // who wants to take over
	given  bool      // to one of them
	lent   bool      // a process that did not take over may still have the descriptors
	before io.Closer // to the process that this one takes over from, until this one serves
}

func newLoop(opts Options) (*loop, error) {
	poll, err := newPoller()
	if err != nil {
		return nil, err
	}
	// A REP that held a request of the proxy before this one answers it here: libzmq keeps a reply for the next connection to the endpoint.
	// Its token must name nothing.
	opts.Dispatch.Deliveries = rand.Uint32()
	l := &loop{
		opts:      opts,
		log:       opts.Log,
		poll:      poll,
		began:     time.Now(),
		core:      dispatch.New[*message](opts.Dispatch),
		pool:      pool{keep: poolKept},
		scratch:   make([]byte, scratchSize),
		reports:   newReports(opts.Log),
		reclaimer: newReclaimer(),
		letters:   newLetterWriter(opts.DeadLetters, opts.Log),
		room:      roomFor(descriptors()),
		roles: [2]*zmtp.Role{
			frontend: {SocketType: "ROUTER", Authenticate: anybody},
			backend:  {SocketType: "DEALER", Authenticate: workerSecret(opts.Secret)},
		},
	}
	l.inbox.ring = poll.ring
	l.lanes.resolver = newResolver(l.inbox.post)
	for _, ln := range opts.Frontend {
		l.listen(ln, frontend)
	}
	for _, ln := range opts.Backend {
		l.listen(ln, backend)
	}
	if l.fatal != nil {
		poll.close()
	}
	return l, l.fatal
}

// run turns until the loop is told to end, or epoll fails.
func (l *loop) run() error {
	defer l.close()
	if l.before != nil {
		l.begin()
	}
	for !l.done && l.fatal == nil {
		events, err := l.poll.wait(l.patience())
		if err != nil {
			return err
		}
		l.now = time.Since(l.began)
		for i := range events {
			l.happened(int(events[i].Fd), events[i].Events)
		}
		l.late()
		l.settle()
		if len(l.giving) > 0 {
			l.give()
		}
	}
	return l.fatal
}

// happened handles one event.
func (l *loop) happened(fd int, events uint32) {
	if fd < len(l.conns) && l.conns[fd] != nil {
		l.ready(l.conns[fd], events)
		return
	}
	if fd == l.poll.bell {
		l.poll.silence()
		l.inbox.drain(l)
		return
	}
	for _, ln := range l.listeners {
		if ln.fd == fd {
			l.accept(ln)
		}
	}
}

// ready reads and marks what can be written.
func (l *loop) ready(c *conn, events uint32) {
	const ended = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	if events&unix.EPOLLOUT != 0 {
		l.mark(c)
	}
	switch {
	case c.interest&unix.EPOLLIN != 0 && c.reading():
		if events&(unix.EPOLLIN|ended) != 0 {
			l.read(c)
		}
	case events&ended != 0:
		l.drop(c, "left")
	}
}

// close ends everything that the loop owns. Listeners belong to whoever opened them.
func (l *loop) close() {
	l.inbox.close()
	for _, c := range l.conns {
		if c != nil {
			_ = unix.Close(c.fd)
		}
	}
	l.lanes.close()
	close(l.reclaimer.asked)
	l.poll.close()
}
