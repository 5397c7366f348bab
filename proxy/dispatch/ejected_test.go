package dispatch

import (
	"slices"
	"time"
)

// returns notices which lanes are not ejected any more. They have room from now on.
func (w *world) returns() {
	w.at++
	for _, k := range w.lanes {
		_, out := k.l.Ejected()
		if k.out && !out {
			k.changed = w.at
		}
		k.out = out
	}
}

// ejectedLane checks that a lane has done enough to be ejected, and for how long.
func (w *world) ejectedLane(l *Lane[*job]) {
	k := w.lane(l)
	e, out := l.Ejected()
	if !out || !k.able() || e.Fault == k.told || k.bad < 10 || e.Until <= w.now || e.Until > w.now+6*w.cfg.Eject {
		w.t.Fatalf("ejected %t for %d, was told %d; able %t, %d bad answers, until %v", out, e.Fault, k.told, k.able(), k.bad, e.Until)
	}
	k.told = e.Fault
}

func (w *world) laneIsBack(l *Lane[*job]) {
	k := w.lane(l)
	if _, out := l.Ejected(); out || k.told == 0 {
		w.t.Fatalf("back: ejected %t, was told %d", out, k.told)
	}
	k.told = 0
	w.backs++
}

// checkEjected says that not too many lanes are ejected, none that has done nothing, and with nothing to be told by Next, that all is told.
func (w *world) checkEjected(told bool) {
	able, ejected := 0, 0
	for _, k := range w.lanes {
		e, out := k.l.Ejected()
		if out && !k.able() || told && e.Fault != k.told || k.l.Doubtful() && k.bad < 5 || out && w.cfg.Eject == 0 {
			w.t.Fatalf("ejected %t for %d, was told %d; able %t; doubtful %t after %d", out, e.Fault, k.told, k.able(), k.l.Doubtful(), k.bad)
		}
		if k.able() {
			able++
		}
		if out {
			ejected++
		}
	}
	if most := min(max(1, able*w.cfg.MaxEjected/100), max(able-1, 0)); ejected > most {
		w.t.Fatalf("%d of %d lanes are ejected, not %d at most", ejected, able, most)
	}
}

// spares are the lanes that take what waits for long.
func (w *world) spares() (spares []*worker) {
	if slices.ContainsFunc(w.lanes, w.hasRoom) {
		return nil
	}
	for _, k := range w.lanes {
		if e, out := k.l.Ejected(); out && e.Fault == Slow && !w.shut(k) && len(k.held) == 0 {
			spares = append(spares, k)
		}
	}
	return spares
}

// patiences are when a spare lane may be due to take what waits. Which lane it will be, and for whom, is not ours to know.
func (w *world) patiences() (at []time.Duration) {
	for _, k := range w.spares() {
		for _, p := range w.clients {
			if len(p.queue) > 0 {
				at = append(at, p.queue[0].arrived+k.mean)
			}
		}
	}
	return at
}

// checkSpares says that nobody waits for longer than he must.
func (w *world) checkSpares() {
	if at := w.patiences(); len(at) > 0 && slices.Max(at) <= w.now {
		w.t.Fatalf("requests wait at %v, and a spare lane was due to take them at %v", w.now, slices.Max(at))
	}
}

func (w *world) checkDeadline() {
	at, ok := w.d.Deadline()
	want, due := w.deadline()
	spare := w.patiences()
	switch {
	case ok == due && at == want && (len(spare) == 0 || slices.Max(spare) >= want):
	case ok && slices.Contains(spare, at) && (!due || at < want):
	default:
		w.t.Fatalf("the deadline is %v, %t; not %v, %t; nor one of %v", at, ok, want, due, spare)
	}
}
