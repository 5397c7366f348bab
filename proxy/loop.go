package proxy

import (
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

const (
	scratchSize = 64 << 10        // read at once from one connection, before the next has its turn
	poolKept    = 64 << 20        // bytes of idle buffers
	trimEvery   = 5 * time.Second // how often idle buffers are given back
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
	conns     []*conn // by descriptor
	clients   int     // established frontend connections
	dirty     []*conn // have output
	shaking   []*conn // handshakes under way, oldest first; some are done or closed already
	lanes     lanes
	scratch   []byte
	vec       vector
	trimmed   time.Duration
	acting    bool // act is under way

	count   control.Counters
	reports *reports // of the logs that a hostile peer could repeat for ever

	quiet   bool           // no new requests: the proxy is being emptied
	emptied []chan<- error // who waits for that
	ending  time.Duration  // when the loop gives up being emptied and ends; 0: it is not ending
	aborted bool           // it has given up: what is left is answered with an error
	done    bool
}

func newLoop(opts Options) (*loop, error) {
	poll, err := newPoller()
	if err != nil {
		return nil, err
	}
	l := &loop{
		opts:    opts,
		log:     opts.Log,
		poll:    poll,
		began:   time.Now(),
		core:    dispatch.New[*message](opts.Dispatch),
		pool:    pool{keep: poolKept},
		scratch: make([]byte, scratchSize),
		reports: newReports(opts.Log),
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

// mark lists a connection for the flush at the end of the turn.
func (l *loop) mark(c *conn) {
	if !c.dirty && !c.closed {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
}

// settle does what the dispatcher decides and sends what that gives, until there is nothing more to do.
func (l *loop) settle() {
	for acted := true; acted; {
		acted = l.act()
		l.flush()
	}
	l.lanes.publish()
	if l.quiet {
		l.checkEmpty()
	}
}

// act does all that the dispatcher asks for now.
func (l *loop) act() (acted bool) {
	l.acting = true
	defer func() { l.acting = false }()
	for {
		a, ok := l.core.Next(l.now)
		if !ok {
			return acted
		}
		acted = true
		switch a.Kind {
		case dispatch.Deliver:
			l.deliver(a)
		case dispatch.Fail:
			l.fail(a.Client, a.Message, l.why(a.Attempts))
			l.pool.release(a.Message)
		case dispatch.Discard:
			l.count.Abandoned++
			l.pool.release(a.Message)
		case dispatch.Pause:
			l.pause(a.Client)
		case dispatch.Resume:
			l.resume(a.Client)
		case dispatch.Drained:
			l.lanes.drained(a.Lane.Data.(*conn).lane)
		}
	}
}

// why a request is answered with an error.
func (l *loop) why(attempts int) errorReply {
	if l.aborted {
		return shuttingDown
	}
	return unavailable(attempts)
}

// flush writes once to every socket that has output.
func (l *loop) flush() {
	for i := 0; i < len(l.dirty); i++ {
		c := l.dirty[i]
		c.dirty = false
		l.dirty[i] = nil
		if !c.closed {
			l.send(c)
		}
	}
	l.dirty = l.dirty[:0]
}

// send writes what the socket takes and leaves the rest for when it takes more.
func (l *loop) send(c *conn) {
	if c.mute {
		c.out.discard(&l.pool)
	}
	if e := c.out.write(c.fd, &l.pool, &l.vec); e != 0 && e != errAgain {
		l.cannotSend(c, e)
		return
	}
	if c.choked && c.out.bytes <= l.opts.chokeAt()/2 {
		l.unchoke(c)
	}
	l.watch(c)
}

// cannotSend ends a client. A worker may have answered before it died: what it sent is read first, up to its end.
func (l *loop) cannotSend(c *conn, e unix.Errno) {
	if c.side == frontend || c.shake != nil {
		l.drop(c, e.Error())
		return
	}
	c.mute = true
	c.out.discard(&l.pool)
	l.watch(c)
}

// patience is how long the loop may sleep.
func (l *loop) patience() time.Duration {
	wait := time.Duration(-1)
	until := func(at time.Duration) {
		if left := max(at-time.Since(l.began), 0); wait < 0 || left < wait {
			wait = left
		}
	}
	if c := l.oldestShake(); c != nil {
		until(c.until)
	}
	for _, ln := range l.listeners {
		if ln.retry > 0 {
			until(ln.retry)
		}
	}
	if l.ending > 0 {
		until(l.ending)
	}
	if l.pool.idle > 0 {
		until(l.trimmed + trimEvery)
	}
	return wait
}

// late does what the time has come for.
func (l *loop) late() {
	for c := l.oldestShake(); c != nil && c.until <= l.now; c = l.oldestShake() {
		l.bad(c, "the handshake took too long")
	}
	for _, ln := range l.listeners {
		if ln.retry > 0 && ln.retry <= l.now {
			l.listenAgain(ln)
		}
	}
	if l.ending > 0 && l.ending <= l.now {
		l.giveUp()
	}
	if l.now-l.trimmed >= trimEvery {
		l.trimmed = l.now
		l.pool.trim()
	}
}

// oldestShake is the connection whose handshake has to be done first.
func (l *loop) oldestShake() *conn {
	for len(l.shaking) > 0 && (l.shaking[0].closed || l.shaking[0].shake == nil) {
		l.shaking[0] = nil
		l.shaking = l.shaking[1:]
	}
	if len(l.shaking) == 0 {
		return nil
	}
	return l.shaking[0]
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
	l.poll.close()
}
