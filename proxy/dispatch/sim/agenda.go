package sim

import (
	"container/heap"
	"time"
)

// agenda is what is to happen, by time; what is entered first comes first among equals.
type agenda struct {
	entries entries
	serial  int
}

type entry struct {
	at     time.Duration
	serial int
	do     func()
}

func (a *agenda) add(at time.Duration, do func()) {
	a.serial++
	heap.Push(&a.entries, entry{at, a.serial, do})
}

// due takes the next entry that is due at now.
func (a *agenda) due(now time.Duration) (do func(), ok bool) {
	if at, ok := a.first(); !ok || at > now {
		return nil, false
	}
	return heap.Pop(&a.entries).(entry).do, true
}

func (a *agenda) first() (at time.Duration, ok bool) {
	if len(a.entries) == 0 {
		return 0, false
	}
	return a.entries[0].at, true
}

// entries is a heap.
type entries []entry

func (e entries) Len() int { return len(e) }
func (e entries) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].serial < e[j].serial
}
func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *entries) Push(x any)   { *e = append(*e, x.(entry)) }
func (e *entries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = entry{} // forget the closure
	*e = (*e)[:last]
	return x
}

// wire is one direction of a connection: what is sent first arrives first, however long each takes. Between wires there is no order.
type wire struct {
	w    *world
	last time.Duration
}

// send lets something arrive, after the time on the way.
func (x *wire) send(arrive func()) {
	x.last = max(x.last, x.w.now+x.w.latency())
	x.w.agenda.add(x.last, arrive)
}
