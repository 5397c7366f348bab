package sim

import (
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// worker is one life of a REP worker. It works on one request after the other.
type worker struct {
	w       *world
	lane    *lane
	service func() time.Duration
	errs    float64 // how often its replies are errors
	inbox   []dispatch.Token
	busy    bool
	dead    bool             // it does nothing any more; the shell may not know yet
	hung    bool             // it does nothing, for a while or for ever, and stays
	spoken  []dispatch.Token // it has replied to, or was to reply to, lately
	in, out wire
}

// hire brings up a worker. Now and then it is the old one that has lost its connection, and remembers tokens.
func (w *world) hire() {
	w.born++
	k := &worker{w: w, lane: w.judge.up(w.born), in: wire{w: w}, out: wire{w: w}}
	if len(w.workers) > 0 && w.chance(0.3) {
		k.spoken = slices.Clone(pick(w, w.workers...).spoken)
	}
	w.workers = append(w.workers, k)
	least := pick(w, 0, time.Microsecond, 50*time.Microsecond, 2*time.Millisecond)
	k.service = pick(w,
		func() time.Duration { return least },
		func() time.Duration { return w.between(0, 2*least) },
		func() time.Duration { return w.heavy(least) },
	)
	if k.errs = w.errs; w.chance(0.4) { // than most
		k.errs = pick(w, 0.8, 1)
	}
	if w.settling {
		return
	}
	if w.chance(0.3) {
		w.later(w.heavy(time.Millisecond), k.rest)
	}
	life := w.heavy(pick(w, time.Millisecond, 50*time.Millisecond, time.Second))
	w.later(life, pick(w, func() { k.die(false) }, func() { k.die(true) }, k.drain, k.drain))
}

// deliver sends a request to the worker.
func (k *worker) deliver(t dispatch.Token) {
	k.in.send(func() {
		k.inbox = append(k.inbox, t)
		k.work()
	})
}

// work begins on the oldest request, and does to it what a worker may do.
func (k *worker) work() {
	if k.dead || k.hung || k.busy || len(k.inbox) == 0 {
		return
	}
	t := k.inbox[0]
	k.inbox = k.inbox[1:]
	k.spoken = append(k.spoken[max(len(k.spoken)-20, 0):], t)
	if !k.w.settling && k.w.chance(k.w.unruly) {
		k.misbehave(t)
		return
	}
	k.busy = true
	k.w.later(k.service(), func() {
		k.reply(t)
		k.busy = false
		k.work()
	})
}

func (k *worker) misbehave(t dispatch.Token) {
	switch k.w.rng.IntN(7) {
	case 0:
		k.die(false)
	case 1: // it has replied, and its connection breaks before that is read
		k.reply(t)
		k.die(true)
	case 2:
		k.hang(t)
	case 3: // twice
		k.reply(t)
		k.reply(t)
		k.work()
	case 4: // with another token: garbage, none, near to it, one that it had before, or the next one's, which is out of turn
		all := append([]dispatch.Token{dispatch.Token(k.w.rng.Uint64()), 0, t + 1, t + 1<<32}, append(k.spoken, k.inbox...)...)
		k.reply(pick(k.w, all...))
		k.work()
	case 5: // late, after all others
		k.w.later(k.w.heavy(time.Millisecond), func() { k.reply(t) })
		k.work()
	case 6: // with another worker's
		if other := pick(k.w, k.w.workers...); len(other.spoken) > 0 {
			k.reply(pick(k.w, other.spoken...))
		}
		k.reply(t)
		k.work()
	}
}

// hang is for ever where the shell ends the lane. Elsewhere the worker wakes and goes on, or dies.
func (k *worker) hang(t dispatch.Token) {
	k.hung = true
	switch w := k.w; {
	case w.judge.cfg.Timeout > 0 && w.patience == 0 && w.mercy == 0:
	case w.chance(0.5):
		w.later(w.heavy(time.Millisecond), func() { k.die(w.chance(0.5)) })
	default:
		w.later(w.heavy(time.Millisecond), func() { k.wake(t) })
	}
}

// wake sends the reply at last, to whoever still wants it.
func (k *worker) wake(t dispatch.Token) {
	k.hung = false
	k.reply(t)
	k.work()
}

// reply sends one.
func (k *worker) reply(t dispatch.Token) {
	if k.dead {
		return
	}
	k.out.send(func() {
		if k.lane.gone {
			return // it was lost on the way
		}
		failed := k.w.chance(k.errs) || !k.w.settling && k.w.chance(k.w.unruly/4)
		if c := k.w.judge.reply(k.lane, t, failed); c != nil {
			k.w.userAt(c.core).answer()
		}
	})
}

// die ends the process. A reset overtakes what it has sent.
func (k *worker) die(reset bool) {
	if k.dead {
		return
	}
	k.dead = true
	if reset {
		k.w.later(k.w.latency(), k.lose)
	} else {
		k.out.send(k.lose)
	}
}

// lose is the shell's: the connection has ended. Another worker comes in its place, at once or later.
func (k *worker) lose() {
	if k.lane.gone {
		return
	}
	k.dead = true
	k.w.workers = slices.DeleteFunc(k.w.workers, func(o *worker) bool { return o == k })
	k.w.judge.lost(k.lane)
	k.w.later(k.w.heavy(20*time.Microsecond), func() {
		if len(k.w.workers) < k.w.places {
			k.w.hire()
		}
	})
}

// rest puts the worker on hold for a while, as long as it is up.
func (k *worker) rest() {
	if k.lane.gone || k.w.settling {
		return
	}
	k.w.judge.count.Held++
	k.w.judge.hold(k.lane, true)
	k.w.later(k.w.heavy(100*time.Microsecond), func() {
		if !k.lane.gone && k.lane.onHold {
			k.w.judge.hold(k.lane, false)
		}
	})
	k.w.later(k.w.heavy(5*time.Millisecond), k.rest)
}

// drain lets the worker finish; once it holds nothing it ends. One that never does is ended after a while.
func (k *worker) drain() {
	if k.lane.gone {
		return
	}
	k.w.judge.drain(k.lane)
	if k.w.chance(0.3) {
		k.w.judge.drain(k.lane)
	}
	k.w.later(k.w.heavy(5*time.Millisecond), func() { k.die(true) })
}

// workerAt is who is behind a lane.
func (w *world) workerAt(l *dispatch.Lane[*job]) *worker {
	for _, k := range w.workers {
		if k.lane.core == l {
			return k
		}
	}
	panic(fault("an action is for a lane that is not there"))
}
