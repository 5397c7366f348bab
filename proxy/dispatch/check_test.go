package dispatch

import (
	"slices"
	"time"
)

// next takes one thing to do and checks that it was right to.
func (w *world) next() bool {
	if w.eased() {
		for _, p := range w.clients {
			p.excused = true
		}
	}
	a, ok := w.d.Next(w.now)
	w.returns()
	if !ok || slices.Contains([]Kind{Probe, Unanswered, Pause, Resume}, a.Kind) {
		w.minded()
	}
	if !ok {
		w.quiet()
		return false
	}
	switch a.Kind {
	case Deliver:
		w.delivered(a)
	case Fail:
		w.failedTo(a)
	case Discard:
		w.discarded(a)
	case Pause, Resume:
		w.gated(a)
	case Drained:
		w.drainedLane(a.Lane)
	case Stuck:
		w.stuckLane(a.Lane)
	case Ejected:
		w.ejectedLane(a.Lane)
	case Back:
		w.laneIsBack(a.Lane)
	case Probe:
		w.probedLane(a)
	case Unanswered:
		w.unansweredBy(a)
	default:
		w.t.Fatalf("an action of kind %d", a.Kind)
	}
	return true
}

func (w *world) delivered(a Action[*job]) {
	j, k := a.Message, w.lane(a.Lane)
	p := j.owner
	if j.state != waits || p.left {
		w.t.Fatalf("a job that %s is delivered", j.state)
	}
	if p.queue[0] != j {
		w.t.Fatal("a job is delivered before an older one of its client")
	}
	w.checkChoice(j, k)
	w.checkTurn(p)
	if a.Token == 0 || w.tokens[a.Token] {
		w.t.Fatalf("token %#x is given out twice, or zero", a.Token)
	}
	w.tokens[a.Token] = true
	if j.delivered > 0 {
		if w.cfg.Once {
			w.t.Fatal("a job is delivered twice")
		}
		w.redelivered++
	}
	w.at++
	k.changed = w.at
	if len(k.held) == 0 {
		k.began = w.now
	}
	k.held = append(k.held, j)
	w.look(k)
	if j.delivered == 0 {
		w.given++
		w.waited += uint64((w.now - j.arrived).Microseconds())
	}
	j.delivered++
	j.token, j.state = a.Token, runs
	p.queue = p.queue[1:]
	p.running++
	if len(p.queue) == 0 {
		p.over = false
	}
}

// checkChoice says that lane k may take a job, and that none is better.
func (w *world) checkChoice(j *job, k *worker) {
	if w.shut(k) || w.late() {
		w.t.Fatalf("a job goes to a lane: %s; before Stuck or overdue %t", k.l.state(), w.late())
	}
	if len(k.held) >= w.allowance(k) || len(k.held) >= MaxPrefetch {
		w.t.Fatalf("a lane that holds %d of %d gets a job", len(k.held), w.allowance(k))
	}
	if k.out && (k.told != Slow || len(k.held) > 0 || w.now-j.arrived < k.mean) {
		w.t.Fatalf("a lane that is ejected for %d, holds %d and takes %v gets a job after %v", k.told, len(k.held), k.mean, w.now-j.arrived)
	}
	for _, other := range w.lanes {
		if !w.hasRoom(other) || other == k || other.l.Doubtful() && !k.out && !k.l.Doubtful() {
			continue
		}
		if k.out || k.l.Doubtful() && !other.l.Doubtful() {
			w.t.Fatalf("a lane gets a job, ejected %t, doubtful %t, and another one has room", k.out, k.l.Doubtful())
		}
		if len(other.held) < len(k.held) || len(other.held) == len(k.held) && other.changed < k.changed {
			w.t.Fatalf("a lane with %d since %d gets a job, one with %d since %d does not", len(k.held), k.changed, len(other.held), other.changed)
		}
	}
}

// checkTurn says that no other client has waited through two deliveries to p.
func (w *world) checkTurn(p *peer) {
	for _, other := range w.clients {
		if other == p || len(other.queue) == 0 {
			continue
		}
		if other.passed[p]++; other.passed[p] > 1 {
			w.t.Fatal("a client is served twice while another waits")
		}
	}
	clear(p.passed)
}

func (w *world) failedTo(a Action[*job]) {
	if a.Message.owner.c != a.Client {
		w.t.Fatal("a failure goes to another client")
	}
	if a.Cause == Overdue {
		w.expired(a.Message)
	}
	if a.Message.strikes != a.Attempts || a.Cause != a.Message.cause {
		w.t.Fatalf("failed after %d for %d, has %d strikes and fails for %d", a.Attempts, a.Cause, a.Message.strikes, a.Message.cause)
	}
	w.failed++
	w.end(a.Message, fails, failed)
}

// discarded is for a client that has left: what waited, or what was overdue at a lane.
func (w *world) discarded(a Action[*job]) {
	j := a.Message
	if j.state == runs && j.owner.left {
		w.expired(j)
		w.end(j, fails, released)
		return
	}
	if a.Cause != j.cause || a.Attempts != j.strikes {
		w.t.Fatalf("discarded after %d for %d, has %d strikes and ends for %d", a.Attempts, a.Cause, j.strikes, j.cause)
	}
	w.end(j, orphaned, released)
}

// checkOldest says that the job which would be charged with lane k's end is the one that it works on.
func (w *world) checkOldest(k *worker) {
	j, since, ok := k.l.Oldest()
	if ok != (len(k.held) > 0 && !k.held[0].late) || ok && (j != k.held[0] || since != k.began) {
		w.t.Fatalf("the oldest of %d is there: %t, since %v, want %v", len(k.held), ok, since, k.began)
	}
}

// expired takes a job that is overdue from where it is. Its lane goes on without knowing.
func (w *world) expired(j *job) {
	if !j.timed || w.now-j.arrived < w.cfg.Deadline {
		w.t.Fatalf("a job that %s is overdue after %v of %v", j.state, w.now-j.arrived, w.cfg.Deadline)
	}
	for _, other := range w.jobs {
		if other.timed && other.arrived < j.arrived {
			w.t.Fatal("overdue before an older one")
		}
	}
	switch p := j.owner; j.state {
	case waits:
		p.queue = slices.DeleteFunc(p.queue, func(q *job) bool { return q == j })
		p.over = p.over && len(p.queue) > 0
	case runs:
		j.late = true
	default:
		w.t.Fatalf("a job that %s is overdue", j.state)
	}
	j.state, j.cause = fails, Overdue
	w.overdue++
}

// end gives a job its only outcome.
func (w *world) end(j *job, from, to state) {
	if j.state != from {
		w.t.Fatalf("a job that %s is %s", j.state, to)
	}
	j.state, j.timed = to, false
}

func (w *world) gated(a Action[*job]) {
	i := slices.IndexFunc(w.clients, func(p *peer) bool { return p.c == a.Client })
	if i < 0 {
		w.t.Fatal("an action for a client that is not there")
	}
	p := w.clients[i]
	if p.told == (a.Kind == Pause) {
		w.t.Fatal("Pause or Resume twice")
	}
	if a.Kind == Pause && (!p.over || w.eased()) {
		w.t.Fatalf("Pause without need: has %d waiting, added to a full queue: %t", len(p.queue), p.over)
	}
	if a.Kind == Resume && p.over && !w.eased() {
		w.t.Fatal("Resume into a full queue")
	}
	p.told = a.Kind == Pause
	if a.Kind == Resume {
		p.over = false
	}
}

func (w *world) drainedLane(l *Lane[*job]) {
	k := w.lane(l)
	if !k.draining || k.drained || len(k.held) > 0 {
		w.t.Fatalf("drained: draining %t, before %t, holds %d", k.draining, k.drained, len(k.held))
	}
	k.drained = true
}

func (w *world) stuckLane(l *Lane[*job]) {
	k := w.lane(l)
	if w.cfg.Timeout == 0 || k.oldest == nil || k.stuck || w.now-k.oldestAt < w.cfg.Timeout {
		w.t.Fatalf("stuck with a timeout of %v: before %t, holds %d, the oldest for %v", w.cfg.Timeout, k.stuck, len(k.held), w.now-k.oldestAt)
	}
	k.stuck, k.told = true, 0
	w.stuck++
}

func (w *world) lane(l *Lane[*job]) *worker {
	i := slices.IndexFunc(w.lanes, func(k *worker) bool { return k.l == l })
	if i < 0 {
		w.t.Fatal("an action for a lane that is not there")
	}
	return w.lanes[i]
}

// quiet checks that there was indeed nothing to do.
func (w *world) quiet() {
	if w.late() {
		w.t.Fatal("Stuck, or a failure of what is overdue, is missing")
	}
	if at, ok := w.pulseDeadline(); ok && at <= w.now {
		w.t.Fatalf("nothing is to be done at %v, and a probe is due at %v", w.now, at)
	}
	n, _ := w.waiting()
	for _, k := range w.lanes {
		if n > 0 && w.hasRoom(k) {
			w.t.Fatalf("%d wait and a lane has room", n)
		}
		if k.draining && len(k.held) == 0 && !k.drained {
			w.t.Fatal("Drained is missing")
		}
	}
	w.checkSpares()
	w.checkEjected(true)
	for _, j := range w.jobs {
		if j.state == fails || j.state == orphaned {
			w.t.Fatalf("a job that %s is kept", j.state)
		}
	}
	for _, p := range w.clients {
		if p.told && (!p.over || w.eased()) {
			w.t.Fatal("Resume is missing")
		}
		if p.over && !p.told && !p.excused {
			w.t.Fatal("Pause is missing")
		}
		if w.eased() {
			p.over = false
		}
	}
}

// reply answers a token at a lane, any token at any lane.
func (w *world) reply(k *worker, token Token) {
	w.replyWith(k, token, w.d.Reply)
}

func (w *world) replyError(k *worker, token Token) {
	k.bad++
	w.replyWith(k, token, w.d.ReplyError)
}

func (w *world) replyWith(k *worker, token Token, reply func(time.Duration, *Lane[*job], Token) (*Client[*job], *job, bool)) {
	i := slices.IndexFunc(k.held, func(j *job) bool { return j.token == token })
	m, known := w.d.Message(k.l, token)
	c, j, ok := reply(w.now, k.l, token)
	w.returns()
	if m != j || known != ok {
		w.t.Fatal("Message and Reply do not agree")
	}
	if ok != (i >= 0) {
		w.t.Fatalf("a reply is taken: %t; the lane has it to answer: %t", ok, i >= 0)
	}
	if !ok {
		w.lateReply(k, token)
		return
	}
	w.checkReply(k.held[i], c, j)
	k.held[i].owner.running--
	k.held = slices.Delete(k.held, i, i+1)
	w.look(k)
	w.measure(k)
}

// lateReply is one that names nothing. It brings a lane back if it is the last that it owes.
func (w *world) lateReply(k *worker, token Token) {
	w.answerProbe(k, token, true)
	before := len(k.owed)
	k.owed = slices.DeleteFunc(k.owed, func(t Token) bool { return t == token })
	last := before > 0 && len(k.owed) == 0
	defer w.returns()
	if back := w.d.Late(w.now, k.l, token); back != last {
		w.t.Fatalf("back: %t, after %d of the replies that it owed, %d are left", back, before, len(k.owed))
	}
	if last {
		w.at++
		k.changed = w.at
		w.mind(k)
	}
}

// checkReply says that the reply to j gives its client and its message, if it is not late.
func (w *world) checkReply(j *job, c *Client[*job], m *job) {
	if j.late {
		if c != nil || m != nil {
			w.t.Fatal("a late reply has a client or a message")
		}
		return
	}
	if m != j {
		w.t.Fatal("a reply comes back with another request's message")
	}
	if p := j.owner; p.left != (c == nil) || !p.left && c != p.c {
		w.t.Fatal("a reply goes to another client")
	}
	w.end(j, runs, answered)
}

func (w *world) measure(k *worker) {
	took := w.now - k.began
	if took >= time.Millisecond {
		k.bad++
	}
	k.busy += took
	w.answers++
	if k.answered == 0 {
		k.mean = took
	}
	k.mean = time.Duration(int64(k.mean) + int64(took-k.mean)/16)
	k.began = w.now
	k.answered++
	w.at++
	k.changed = w.at
}
