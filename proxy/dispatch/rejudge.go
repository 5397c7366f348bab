package dispatch

import (
	"cmp"
	"fmt"
	"slices"
)

func (l *standing) asState() Standing {
	return Standing{
		Failing: l.scores[Failing-1], Slow: l.scores[Slow-1], Curbed: l.curbed, Pace: l.pace,
		Fault: l.fault, Told: l.told, Row: l.row, Until: l.until, Others: l.others,
	}
}

func (s Standing) standing() standing {
	l := standing{
		scores: scores{s.Failing, s.Slow}, curbed: s.Curbed, pace: s.Pace, fault: s.Fault, told: s.Told, row: s.Row, until: s.Until, others: s.Others,
	}
	l.doubted = l.over(2)
	return l
}

func (s Standing) isPossible() bool {
	within := func(n, low, high int32) bool { return n >= low && n <= high }
	return within(s.Failing, 0, failingAt) && within(s.Slow, 0, slowAt) && s.Fault <= faults && s.Told <= faults &&
		s.Row >= 0 && s.Row <= longest && (s.Fault == 0 || s.Row > 0) &&
		(s.Pace == 0 || within(s.Pace, leastPace, 63*octave)) && (s.Others == 0 || within(s.Others, leastPace, 63*octave))
}

// judgeLanes makes the jury, and ejects the lanes again that were. Without Config.Eject all that is forgotten.
func (b *Rebuild[M]) judgeLanes() error {
	d := b.d
	d.able, d.jury = 0, jury{}
	if d.cfg.Eject == 0 {
		return nil
	}
	for _, h := range b.state.Habits {
		c := b.clients[h.Client]
		if c == nil || min(h.Failing, h.Slow) < 0 || max(h.Failing, h.Slow) > one {
			return fmt.Errorf("client %d cannot be used to %d and %d", h.Client, h.Failing, h.Slow)
		}
		c.usual = usual{h.Failing, h.Slow}
	}
	for i, s := range b.state.Lanes {
		l := b.lanes[s.ID]
		if !s.Standing.isPossible() || (l.fault != 0 || l.told != 0) && !l.Able() {
			return fmt.Errorf("lane %d cannot have worked like this: %+v", s.ID, b.state.Lanes[i].Standing)
		}
		if l.able = l.Able(); l.able {
			d.able++
		}
		if l.juror = l.fault == 0 && l.answered >= jurorAt; l.juror {
			d.jury.count(&l.standing, 1)
		}
	}
	return b.ejectAgain()
}

func (b *Rebuild[M]) ejectAgain() error {
	d := b.d
	var out []*Lane[M]
	known := make(map[uint64]bool, len(b.state.Ejected))
	for _, id := range b.state.Ejected {
		l := b.lanes[id]
		if l == nil || l.fault == 0 || known[id] {
			return fmt.Errorf("lane %d cannot be ejected", id)
		}
		known[id] = true
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b *Lane[M]) int { return cmp.Compare(a.until, b.until) })
	for _, l := range out {
		d.ejected[l.row-1].pushBack(&l.term)
		d.nejected++
	}
	for _, id := range b.state.Verdicts {
		l := b.lanes[id]
		if l == nil || l.news.linked() || l.fault == l.told {
			return fmt.Errorf("there is nothing to tell of lane %d", id)
		}
		d.verdicts.pushBack(&l.news)
	}
	return nil
}
