package autoscale_test

import (
	"cmp"
	"container/heap"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zfleet/zfleet/supervisor/autoscale"
)

// world is a queue, the workers behind it and whoever sends requests, in virtual time. It knows what each request waited: that is what the
// scaler is judged by, which sees no more than a proxy's totals.
type world struct {
	scaler  *autoscale.Scaler
	random  *rand.Rand
	load    func(at time.Duration) float64 // requests a second
	peak    float64                        // the most that load returns
	service func(*rand.Rand) time.Duration
	startup time.Duration
	closed  int           // as many clients send a request whenever they have their reply, instead of load
	every   time.Duration // how often the scaler is asked; 0: when it wants
	blind   func(at time.Duration) bool

	at        time.Duration
	events    agenda
	numbered  int
	queue     []time.Duration // when those that wait arrived
	workers   []*worker
	want      int
	totals    autoscale.Totals
	since     time.Duration // the proxy's start
	delivered []delivery
	decisions []decision
}

type worker struct {
	ready, working, leaving bool
	began                   time.Duration
}

type delivery struct{ arrived, waited time.Duration }

type decision struct {
	at  time.Duration
	was int
	autoscale.Decision
}

type event struct {
	at     time.Duration
	number int // of those at the same time, who was put down first
	happen func()
}

// agenda is what will happen, the soonest first.
type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].number < a[j].number
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func (w *world) in(d time.Duration, happen func()) {
	w.numbered++
	heap.Push(&w.events, event{w.at + d, w.numbered, happen})
}

// run lets time pass until end.
func (w *world) run(end time.Duration) {
	if w.at == 0 {
		w.scale(w.want)
		w.in(0, w.decide)
		if w.closed == 0 {
			w.in(0, w.arrivals)
		}
		for range w.closed {
			w.in(time.Duration(w.random.Int64N(int64(time.Second))), w.request)
		}
	}
	for len(w.events) > 0 && w.events[0].at <= end {
		e := heap.Pop(&w.events).(event)
		w.at = e.at
		e.happen()
	}
	w.at = end
}

// arrivals are a Poisson process whose rate is that of the load at each moment: of those at the peak rate, as many are kept.
func (w *world) arrivals() {
	if w.random.Float64() < w.load(w.at)/w.peak {
		w.request()
	}
	w.in(max(time.Duration(w.random.ExpFloat64()/w.peak*1e9), time.Microsecond), w.arrivals)
}

func (w *world) request() {
	w.totals.Requests++
	w.queue = append(w.queue, w.at)
	w.deliver()
}

func (w *world) deliver() {
	for len(w.queue) > 0 {
		free := w.free()
		if free == nil {
			return
		}
		waited := w.at - w.queue[0]
		w.delivered = append(w.delivered, delivery{w.queue[0], waited})
		w.queue = w.queue[1:]
		w.totals.Delivered++
		w.totals.Waited += waited
		free.working, free.began = true, w.at
		w.in(w.service(w.random), func() { w.answer(free) })
	}
}

func (w *world) answer(k *worker) {
	k.working = false
	w.totals.Answered++
	w.totals.Busy += w.at - k.began
	if w.closed > 0 {
		w.in(0, w.request)
	}
	w.bury()
	w.deliver()
}

func (w *world) free() *worker {
	for _, k := range w.workers {
		if k.ready && !k.working && !k.leaving {
			return k
		}
	}
	return nil
}

// scale starts workers, which are ready after their startup, or lets some leave: those first that are not ready, then the idle ones.
func (w *world) scale(want int) {
	w.want = want
	for w.staying() < want {
		k := &worker{}
		w.workers = append(w.workers, k)
		w.in(w.startup, func() { k.ready = true; w.deliver() })
	}
	for _, first := range []func(*worker) bool{
		func(k *worker) bool { return !k.ready },
		func(k *worker) bool { return !k.working },
		func(*worker) bool { return true },
	} {
		for _, k := range w.workers {
			if w.staying() > want && !k.leaving && first(k) {
				k.leaving = true
			}
		}
	}
	w.bury()
}

func (w *world) staying() (n int) {
	for _, k := range w.workers {
		if !k.leaving {
			n++
		}
	}
	return n
}

func (w *world) bury() {
	w.workers = slices.DeleteFunc(w.workers, func(k *worker) bool { return k.leaving && !k.working })
}

// decide asks the scaler and does what it says.
func (w *world) decide() {
	if w.blind != nil && w.blind(w.at) {
		w.in(w.pause(500*time.Millisecond), w.decide)
		return
	}
	d := w.scaler.Decide(w.observation())
	w.decisions = append(w.decisions, decision{w.at, w.want, d})
	if d.Want != w.want {
		w.scale(d.Want)
	}
	w.in(w.pause(d.Again), w.decide)
}

func (w *world) pause(wanted time.Duration) time.Duration { return cmp.Or(w.every, wanted) }

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func (w *world) observation() autoscale.Observation {
	o := autoscale.Observation{
		At: epoch.Add(w.at), Since: epoch.Add(w.since), Waiting: len(w.queue), Wanted: w.want, Totals: w.totals,
	}
	if len(w.queue) > 0 {
		o.Oldest = w.at - w.queue[0]
	}
	for _, k := range w.workers {
		if k.ready && !k.leaving {
			o.Ready++
			o.Lanes++
		}
		if k.working {
			o.Working++
			o.Held++
			o.Totals.Busy += w.at - k.began
		}
	}
	return o
}

// changes are the decisions that changed something.
func (w *world) changes() (all []decision) {
	for _, d := range w.decisions {
		if d.Want != d.was {
			all = append(all, d)
		}
	}
	return all
}

// wait is the mean wait of the requests that arrived in [from, to), as they themselves would tell it. Those that still wait are asked too.
func (w *world) wait(from, to time.Duration) time.Duration {
	sum, n := time.Duration(0), time.Duration(0)
	first, _ := slices.BinarySearchFunc(w.delivered, from, func(d delivery, at time.Duration) int { return cmp.Compare(d.arrived, at) })
	for _, d := range w.delivered[first:] {
		if d.arrived >= to {
			break
		}
		sum, n = sum+d.waited, n+1
	}
	for _, arrived := range w.queue {
		if arrived >= from && arrived < to {
			sum, n = sum+w.at-arrived, n+1
		}
	}
	return sum / max(n, 1)
}

// The loads.

func steady(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// steps is a rate from each time on, until the next.
func steps(rates map[time.Duration]float64) func(time.Duration) float64 {
	times := slices.Sorted(maps.Keys(rates))
	return func(at time.Duration) (rate float64) {
		for _, t := range times {
			if at >= t {
				rate = rates[t]
			}
		}
		return rate
	}
}

// The services.

func exactly(d time.Duration) func(*rand.Rand) time.Duration {
	return func(*rand.Rand) time.Duration { return d }
}

func exponential(mean time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(mean)) }
}

// pareto is a heavy tail with shape 1.5: a mean, but no variance, up to a thousand times the least.
func pareto(mean time.Duration) func(*rand.Rand) time.Duration {
	const shape = 1.5
	least := float64(mean) * (shape - 1) / shape
	return func(r *rand.Rand) time.Duration {
		return time.Duration(least * min(math.Pow(1-r.Float64(), -1/shape), 1000))
	}
}
