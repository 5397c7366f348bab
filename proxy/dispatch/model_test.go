package dispatch

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

// world is what an onlooker knows who sees every call and its answer, and nothing of the Dispatcher's inside. It is written to be plainly
// right, not fast. Its methods fail the test at the first thing that must not be.
type world struct {
	t   *rapid.T
	cfg Config
	d   *Dispatcher[*job]
	now time.Duration
	at  int // counts deliveries, replies and lanes, to say what came first

	clients []*peer
	lanes   []*worker
	jobs    []*job
	tokens  map[Token]bool // every one ever given out

	redelivered, failed uint64
	given, answers      uint64        // deliveries and replies
	waited              uint64        // microseconds
	gone                time.Duration // that lost lanes held something
	stuck, overdue      int
	probes              int // sent, and not answered in time
	backs               int
}

// peer is a client.
type peer struct {
	c       *Client[*job]
	queue   []*job
	running int
	left    bool
	passed  map[*peer]int // deliveries to others since it began to wait, or was served
	told    bool          // the last word was Pause
	over    bool          // has added to a full queue, with one of its own waiting
	excused bool          // there was room for a moment, so that Pause may be left out
}

// worker is a lane.
type worker struct {
	l        *Lane[*job]
	held     []*job
	changed  int // when it came up, got or answered something
	draining bool
	drained  bool
	onHold   bool
	pulse    pulse
	answered uint64
	mean     time.Duration
	began    time.Duration
	busy     time.Duration // until began

	oldest   *job          // that it works on
	oldestAt time.Duration // since when
	stuck    bool          // and we were told
	owed     []Token       // what it held when it was set aside, and has not answered since
	told     Fault         // what it is ejected for, as we were told
	out      bool          // it is ejected, as it says
	bad      int           // answers that may be held against it
}

// job is a message.
type job struct {
	owner     *peer
	size      int
	delivered int
	strikes   int
	cause     Cause // of its failure
	arrived   time.Duration
	timed     bool // has a deadline, and we were not told of its end
	late      bool // ended while at a lane
	token     Token
	state     state
}

type state string

const (
	waits    state = "waits"
	runs     state = "runs"
	fails    state = "fails" // unless its client leaves before it is told
	orphaned state = "orphaned"
	answered state = "answered"
	failed   state = "failed"
	released state = "released"
)

func (w *world) waiting() (n int, bytes int64) {
	for _, p := range w.clients {
		for _, j := range p.queue {
			n++
			bytes += int64(j.size)
		}
	}
	return n, bytes
}

func (w *world) full() bool {
	n, bytes := w.waiting()
	return n >= w.cfg.Queue || bytes >= w.cfg.QueueBytes
}

// eased says that less than seven eighths of each bound wait.
func (w *world) eased() bool {
	n, bytes := w.waiting()
	return 8*n < 7*w.cfg.Queue && 8*bytes < 7*w.cfg.QueueBytes
}

func (w *world) allowance(k *worker) int {
	switch {
	case w.cfg.Once, k.l.Doubtful() && k.l.Allowance() == 1: // or its siblings are no better
		return 1
	case w.cfg.Prefetch > 0:
		return w.cfg.Prefetch
	case k.answered == 0:
		return 1
	case k.mean == 0:
		return MaxPrefetch
	}
	return int(min(1+w.cfg.Target/k.mean, MaxPrefetch))
}

func (w *world) hasRoom(k *worker) bool {
	return !w.shut(k) && !k.out && len(k.held) < w.allowance(k)
}

func (k *worker) able() bool { return !k.draining && !k.onHold && !k.stuck && len(k.owed) == 0 }

// look sees whether a lane works on another job than before.
func (w *world) look(k *worker) {
	switch {
	case len(k.held) == 0:
		k.oldest, k.stuck = nil, false
	case k.oldest != k.held[0]:
		k.oldest, k.oldestAt, k.stuck = k.held[0], w.now, false
	}
	w.mind(k)
}

// deadline is when Next has something to do at the latest.
func (w *world) deadline() (at time.Duration, ok bool) {
	at, ok = w.due()
	if end, probes := w.pulseDeadline(); probes && (!ok || end < at) {
		return end, true
	}
	return at, ok
}

// due is when the first lane that we were not told of is stuck, or the first request overdue.
func (w *world) due() (at time.Duration, ok bool) {
	for _, k := range w.lanes {
		if w.cfg.Timeout == 0 || k.oldest == nil || k.stuck {
			continue
		}
		if end := k.oldestAt + w.cfg.Timeout; !ok || end < at {
			at, ok = end, true
		}
	}
	for _, j := range w.jobs {
		if end := j.arrived + w.cfg.Deadline; j.timed && (!ok || end < at) {
			at, ok = end, true
		}
	}
	for _, k := range w.lanes {
		if e, out := k.l.Ejected(); out && (!ok || e.Until < at) {
			at, ok = e.Until, true
		}
	}
	return at, ok
}

// late says that a lane is stuck or a request overdue and we were not told.
func (w *world) late() bool {
	at, ok := w.due()
	return ok && w.now >= at
}

func (w *world) join() {
	p := &peer{c: w.d.Join(), passed: map[*peer]int{}}
	p.c.Data = p
	w.clients = append(w.clients, p)
}

func (w *world) up() {
	w.at++
	k := &worker{l: w.d.Up(), changed: w.at}
	w.lanes = append(w.lanes, k)
	w.mind(k)
}

func (w *world) request(p *peer, size int) {
	j := &job{owner: p, size: size, state: waits}
	w.jobs = append(w.jobs, j)
	j.arrived = w.now
	if w.cfg.Reject && len(p.queue) > 0 && w.full() {
		j.state, j.cause = fails, Rejected
		w.d.Request(w.now, p.c, j, size)
		return
	}
	j.timed = w.cfg.Deadline > 0
	if len(p.queue) == 0 {
		clear(p.passed)
	}
	p.queue = append(p.queue, j)
	if !w.cfg.Reject && len(p.queue) > 1 && w.full() {
		p.over, p.excused = true, false
	}
	w.d.Request(w.now, p.c, j, size)
}

func (w *world) leave(p *peer) {
	for _, j := range p.queue {
		j.state = orphaned
	}
	for _, j := range w.jobs {
		if j.owner == p && j.state == fails {
			j.state = orphaned
		}
	}
	p.left, p.queue = true, nil
	w.clients = slices.DeleteFunc(w.clients, func(q *peer) bool { return q == p })
	w.d.Leave(p.c)
	if p.c.Data != nil {
		w.t.Fatal("a client that has left keeps the shell's data alive")
	}
}

func (w *world) lost(k *worker) {
	w.remove(k, true)
	w.d.Lost(w.now, k.l)
	w.returns()
}

func (w *world) withdrawn(k *worker) {
	w.remove(k, false)
	w.d.Withdrawn(w.now, k.l)
	w.returns()
}

func (w *world) remove(k *worker, charge bool) {
	w.gone += k.worked(w.now)
	w.takeBack(k, charge)
	w.lanes = slices.DeleteFunc(w.lanes, func(q *worker) bool { return q == k })
}

func (w *world) setAside(k *worker) {
	for _, j := range k.held {
		k.owed = append(k.owed, j.token)
	}
	k.busy = k.worked(w.now)
	if len(k.held) > 0 {
		k.told, k.bad = 0, k.bad+5
	}
	w.takeBack(k, true)
	w.d.SetAside(w.now, k.l)
	w.returns()
}

func (w *world) takeBack(k *worker, charge bool) {
	w.checkOldest(k)
	for i, j := range slices.Backward(k.held) {
		if i == 0 && charge {
			j.strikes++
		}
		j.owner.running--
		switch {
		case j.late:
		case w.cfg.Once:
			j.state, j.cause = fails, LaneLost
		case j.strikes == w.cfg.Attempts:
			j.state, j.cause = fails, AttemptsUsed
		case j.owner.left:
			j.state = orphaned
		default:
			j.state = waits
			if len(j.owner.queue) == 0 {
				clear(j.owner.passed)
			}
			j.owner.queue = slices.Insert(j.owner.queue, 0, j)
		}
		if j.state == fails && j.owner.left {
			j.state = orphaned
		}
	}
	k.held = nil
	w.look(k)
}

func (w *world) abort() {
	for _, j := range w.jobs {
		if j.state == waits || j.state == runs {
			j.state, j.cause = fails, Aborted
		}
		if j.state == fails && j.owner.left {
			j.state = orphaned
		}
	}
	for _, p := range w.clients {
		p.queue, p.running, p.over = nil, 0, false
	}
	for _, k := range w.lanes {
		if len(k.held) > 0 {
			w.at++
			k.held, k.changed = nil, w.at
			w.look(k)
		}
	}
	w.d.Abort()
}

func (w *world) drain(k *worker) {
	k.draining, k.told = true, 0
	w.mind(k)
	w.d.Drain(k.l)
	w.returns()
}

// worked is how long a lane has held something.
func (k *worker) worked(now time.Duration) time.Duration {
	if len(k.held) == 0 {
		return k.busy
	}
	return k.busy + now - k.began
}

// load is what Load has to say, but for the oldest while Next has something to tell.
func (w *world) load() (l Load) {
	l.Delivered, l.Waited, l.Answered, l.Busy = w.given, w.waited, w.answers, uint64(w.gone.Microseconds())
	for _, k := range w.lanes {
		l.Busy += uint64(k.worked(w.now).Microseconds())
		l.Working += min(len(k.held), 1)
	}
	for _, p := range w.clients {
		for _, j := range p.queue {
			l.Oldest = max(l.Oldest, w.now-j.arrived)
		}
	}
	return l
}

func (w *world) checkLoad() {
	got, want := w.d.Load(w.now), w.load()
	if slices.ContainsFunc(w.jobs, func(j *job) bool { return j.state == fails || j.state == orphaned }) {
		want.Oldest = got.Oldest
	}
	if got != want {
		w.t.Fatalf("the load is %+v, not %+v", got, want)
	}
}
