package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// world is everything outside of the dispatcher: the shell, the wires, and who is behind them. All of it is drawn from one seed.
type world struct {
	rng    *rand.Rand
	judge  *judge
	agenda agenda
	now    time.Duration
	steps  int

	rtt      time.Duration // about, on every wire
	slack    time.Duration // by which the shell can come late
	errs     float64       // how often a worker's replies are errors, usually
	unruly   float64       // how often a worker misbehaves with a request
	patience float64       // how often the shell keeps a stuck lane
	mercy    float64       // how often it sets one aside that it does not keep
	users    []*user
	workers  []*worker // that are up
	places   int       // workers that are wanted
	born     int       // ever, clients and workers, to name them
	settling bool
}

func newWorld(seed uint64, lines int) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 0))}
	cfg := w.drawConfig()
	w.judge = &judge{
		cfg: cfg, core: dispatch.New[*job](cfg), trace: newTrace(lines), tokens: map[dispatch.Token]bool{},
	}
	w.rtt = w.between(0, 300*time.Microsecond)
	w.slack = pick(w, 0, 0, 50*time.Microsecond, 5*time.Millisecond)
	w.unruly = pick(w, 0, 0.001, 0.02, 0.2)
	w.errs = pick(w, 0, 0, 0.05, 0.5)
	w.patience = pick(w, 0, 0.3, 1)
	w.mercy = pick(w, 0, 0.5, 1)
	w.places = pick(w, 1, 1, 2, 3, 6, 12)
	for range w.places {
		w.hire()
	}
	for range pick(w, 1, 2, 4, 10) {
		u := w.newUser()
		w.users = append(w.users, u)
		u.connect()
	}
	if w.chance(0.1) {
		w.later(w.between(time.Millisecond, time.Second), w.judge.abort)
	}
	w.later(w.between(time.Millisecond, 50*time.Millisecond), w.weather)
	if w.chance(0.5) {
		w.later(w.heavy(100*time.Microsecond), w.handOver)
	}
	return w
}

func (w *world) drawConfig() dispatch.Config {
	const none = 1 << 40
	return dispatch.Config{
		Prefetch:   pick(w, 0, 0, 1, 1, 2, 5, 30, dispatch.MaxPrefetch),
		Target:     pick(w, 20*time.Microsecond, 200*time.Microsecond, 5*time.Millisecond),
		Attempts:   1 + w.rng.IntN(4),
		Queue:      pick(w, 1, 2, 8, 50, 500, none, none, none),
		QueueBytes: pick(w, 1, 300, 10_000, none, none, int64(none)),
		Reject:     w.chance(0.3),
		Once:       w.chance(0.25),
		Timeout:    pick(w, 0, 0, time.Nanosecond, 500*time.Microsecond, 5*time.Millisecond, 100*time.Millisecond),
		Eject:      pick(w, 0, time.Microsecond, time.Millisecond, 20*time.Millisecond, time.Second),
		MaxEjected: pick(w, 1, 34, 50, 100),
		Deadline:   pick(w, 0, 0, 0, 0, 10*time.Microsecond, time.Millisecond, 20*time.Millisecond, time.Second),

		Probe:         pick(w, 0, 0, 20*time.Microsecond, time.Millisecond, 20*time.Millisecond),
		ProbeTimeout:  pick(w, 10*time.Microsecond, time.Millisecond, 10*time.Millisecond),
		ProbeFailures: 1 + w.rng.IntN(3),
	}
}

func pick[T any](w *world, from ...T) T { return from[w.rng.IntN(len(from))] }

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int64N(int64(high-low)+1))
}

// heavy is a time with a heavy tail (Pareto, shape 1.2), a second at most.
func (w *world) heavy(least time.Duration) time.Duration {
	return min(time.Duration(float64(least)*math.Pow(1-w.rng.Float64(), -1/1.2)), time.Second)
}

// latency is half a round trip, now and then much more.
func (w *world) latency() time.Duration {
	if w.chance(0.01) {
		return w.heavy(w.rtt)
	}
	return w.between(w.rtt/4, w.rtt)
}

func (w *world) later(after time.Duration, do func()) { w.agenda.add(w.now+after, do) }

// weather is what befalls many at once: all workers end, or a crowd of clients leaves.
func (w *world) weather() {
	if w.settling {
		return
	}
	switch w.rng.IntN(4) {
	case 0:
		for _, k := range w.workers {
			w.later(w.between(0, time.Millisecond), func() { k.die(w.chance(0.5)) })
		}
	case 1:
		for _, u := range w.users {
			w.later(w.between(0, time.Millisecond), u.leave)
		}
	case 2:
		w.places = max(1, w.places+w.rng.IntN(5)-2)
		for len(w.workers) < w.places {
			w.hire()
		}
	}
	w.later(w.between(time.Millisecond, 200*time.Millisecond), w.weather)
}

// handOver lets another process take over now and then. Meanwhile nobody listens.
func (w *world) handOver() {
	away := pick(w, 0, 0, w.between(0, 5*time.Millisecond))
	w.now += away
	w.judge.now = w.now
	w.judge.handOver(away)
	w.later(w.heavy(time.Millisecond), w.handOver)
}

// run lets things happen until there were that many.
func (w *world) run(steps int) {
	for w.steps < steps && w.turn() {
	}
}

// turn is one of the shell's: it wakes when something arrives, or at the dispatcher's deadline, takes all that has arrived by then, and
// does what there is to do. False when nothing will happen any more.
func (w *world) turn() bool {
	at, ok := w.agenda.first()
	if end, timed := w.judge.core.Deadline(); timed && (!ok || end < at) {
		at, ok = end, true
		w.steps++
	}
	if !ok {
		return false
	}
	w.now = max(w.now, at)
	if w.slack > 0 && w.chance(0.2) {
		w.now += w.between(0, w.slack)
	}
	w.judge.now = w.now
	for do, ok := w.agenda.due(w.now); ok; do, ok = w.agenda.due(w.now) {
		w.steps++
		do()
	}
	w.act()
	return true
}

// act does all that the dispatcher says.
func (w *world) act() {
	const endless = 1_000_000
	for range endless {
		a, ok := w.judge.next()
		if !ok {
			return
		}
		w.perform(a)
	}
	faultf("there is no end of things to do")
}

func (w *world) perform(a dispatch.Action[*job]) {
	switch a.Kind {
	case dispatch.Deliver, dispatch.Probe:
		w.workerAt(a.Lane).deliver(a.Token)
	case dispatch.Unanswered:
		w.unanswered(w.workerAt(a.Lane), a.Attempts)
	case dispatch.Fail:
		w.userAt(a.Client).answer()
	case dispatch.Resume:
		w.userAt(a.Client).read()
	case dispatch.Drained:
		k := w.workerAt(a.Lane)
		w.later(w.latency(), func() { k.lose() })
	case dispatch.Stuck:
		w.stuck(w.workerAt(a.Lane))
	}
}

// unanswered is the end of a lane that has failed enough probes, or nothing.
func (w *world) unanswered(k *worker, failures int) {
	if failures >= w.judge.cfg.ProbeFailures && (w.settling || !w.chance(w.patience)) {
		k.lose()
	}
}

// stuck is the end of a lane, or it is set aside, or nothing.
func (w *world) stuck(k *worker) {
	switch {
	case w.settling:
		k.lose()
	case w.chance(w.patience):
	case w.chance(w.mercy):
		w.judge.setAside(k.lane)
	default:
		k.lose()
	}
}
