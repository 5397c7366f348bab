package dispatch

import (
	"cmp"
	"fmt"
	"slices"
)

// The lists that a Dispatcher finds requests, clients and lanes by, as Rebuild.Done makes them again.

// runClocks lists the requests by age. Deadlines rely on that order.
func (b *Rebuild[M]) runClocks() error {
	var last *request[M]
	for _, some := range b.ages {
		for _, r := range some {
			switch {
			case r == nil:
				continue
			case last != nil && r.arrived < last.arrived:
				return fmt.Errorf("request %d is listed as younger than %d, and is older", r.index, last.index)
			}
			last = r
			b.d.byAge.pushBack(&r.clock)
		}
	}
	return nil
}

// takeTurns lists the clients as they were listed.
func (b *Rebuild[M]) takeTurns() error {
	for _, id := range b.state.Turns {
		c := b.clients[id]
		if c == nil || c.turn.linked() {
			return fmt.Errorf("client %d cannot have a turn", id)
		}
		b.d.turns.pushBack(&c.turn)
	}
	for _, held := range []struct {
		ids  []uint64
		gate gate
		to   *list[Client[M]]
	}{{b.state.Pausing, pausing, &b.d.pausing}, {b.state.Paused, paused, &b.d.paused}, {b.state.Resuming, resuming, &b.d.resuming}} {
		for _, id := range held.ids {
			c := b.clients[id]
			if c == nil || c.held.linked() {
				return fmt.Errorf("client %d cannot be %s", id, held.gate)
			}
			c.move(held.gate, held.to)
		}
	}
	return nil
}

// placeLanes puts lanes into their buckets in the order that there was; then those that have room only now.
func (b *Rebuild[M]) placeLanes() error {
	for _, id := range slices.Concat(b.state.Free, b.state.Spare) {
		l := b.lanes[id]
		if l == nil || l.place.linked() {
			return fmt.Errorf("lane %d cannot be free", id)
		}
		b.offer(l)
	}
	for l := b.d.lanes.front(); l != nil; l = l.all.next.owner {
		if !l.place.linked() {
			b.offer(l)
		}
	}
	for _, id := range b.state.Drained {
		l := b.lanes[id]
		if l == nil || l.place.linked() || !l.draining || l.outstanding > 0 {
			return fmt.Errorf("lane %d cannot be drained", id)
		}
		b.d.drained.pushBack(&l.place)
	}
	return nil
}

func (b *Rebuild[M]) offer(l *Lane[M]) {
	switch {
	case l.hasRoom():
		b.d.offer(l)
	case l.isSpare():
		b.d.spare.pushBack(&l.place)
	}
}

// timeLanes runs the lanes' clocks. Where there was no Timeout before, a lane's time is what it has taken since it last answered.
func (b *Rebuild[M]) timeLanes() error {
	var timed []*Lane[M]
	known := make(map[uint64]bool, len(b.state.Timed))
	for _, id := range b.state.Timed {
		l := b.lanes[id]
		if l == nil || known[id] || l.outstanding == 0 || l.stuck {
			return fmt.Errorf("the time of lane %d cannot run", id)
		}
		known[id] = true
		timed = append(timed, l)
	}
	if b.d.cfg.Timeout == 0 {
		return nil
	}
	for l := b.d.lanes.front(); l != nil; l = l.all.next.owner {
		if l.outstanding > 0 && !l.stuck && !known[l.id] {
			l.began = l.since
			timed = append(timed, l)
		}
	}
	slices.SortStableFunc(timed, func(a, b *Lane[M]) int { return cmp.Compare(a.began, b.began) })
	for _, l := range timed {
		b.d.timed.pushBack(&l.clock)
	}
	return nil
}

// attendLanes has lanes with nothing to do wait for what they waited for. Where there were no probes before, their time begins now.
func (b *Rebuild[M]) attendLanes() error {
	if b.d.cfg.Probe == 0 {
		return nil
	}
	for _, waits := range []struct {
		ids    []uint64
		probed bool
		in     *list[Lane[M]]
	}{{b.state.Fresh, false, &b.d.fresh}, {b.state.Resting, false, &b.d.resting}, {b.state.Probed, true, &b.d.probed}, {b.state.Silent, true, &b.d.silent}} {
		for _, id := range waits.ids {
			l := b.lanes[id]
			if l == nil || l.pulse.linked() || l.outstanding > 0 || l.draining || l.Aside() || waits.probed != (l.probe != 0) {
				return fmt.Errorf("lane %d cannot wait for a probe, or for an answer", id)
			}
			if last := waits.in.back(); last != nil && waits.in != &b.d.fresh && l.pulsed < last.pulsed {
				return fmt.Errorf("lane %d is listed as having waited less than lane %d, and has waited more", id, last.id)
			}
			waits.in.pushBack(&l.pulse)
		}
	}
	for l := b.d.lanes.front(); l != nil; l = l.all.next.owner {
		b.d.attend(l)
	}
	return nil
}
