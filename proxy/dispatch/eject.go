package dispatch

import (
	"math"
	"time"
)

const longest = 6 // times Config.Eject that a lane is ejected for at most

// standing is what is known of how well a lane works. Without Config.Eject it stays zero.
type standing struct {
	scores
	doubted bool  // they are over half a bar
	curbed  bool  // and its siblings' are not: it gets one request at a time
	pace    int32 // mean of octaves; 0 before the first answer
	juror   bool  // is counted in Dispatcher.jury

	able   bool          // is counted in Dispatcher.able
	fault  Fault         // why it is ejected; 0: it is not
	told   Fault         // what Next has said of that
	row    int           // ejections that are not forgiven
	until  time.Duration // when the last one ends, or would have
	others int32         // what other lanes took when it was ejected, in octaves
}

// Ejection is why a lane gets nothing, or nothing but what waits for long.
type Ejection struct {
	Fault        Fault
	Until        time.Duration // when it is tried again, if not sooner because others are lost
	Took, Others time.Duration // that it takes for most requests, and that others take; 131 µs is that or less, 0 unknown
}

// Ejected says why a lane is ejected; not ok: it is not.
func (l *Lane[M]) Ejected() (e Ejection, ok bool) {
	if l.fault == 0 {
		return e, false
	}
	return Ejection{l.fault, l.until, ofOctaves(l.pace), ofOctaves(l.others)}, true
}

// Doubtful says that there is half as much against the lane as ejects one, or that it is tried again after that. It gets requests only when
// no other lane has room, and one at a time unless there is as much against its siblings.
func (l *Lane[M]) Doubtful() bool { return l.doubted }

// Able says that the lane is neither draining nor on hold nor stuck nor set aside.
func (l *Lane[M]) Able() bool { return !l.draining && !l.onHold && !l.stuck && !l.Aside() }

// isSpare says that the lane gets what has waited for as long as it takes.
func (l *Lane[M]) isSpare() bool {
	return l.fault == Slow && l.outstanding == 0 && l.probe == 0 && l.Able()
}

// judge learns from an answer how well a lane works, and does what follows from it.
func (d *Dispatcher[M]) judge(now time.Duration, l *Lane[M], c *Client[M], took time.Duration, failed bool) {
	d.jury.witness(&l.standing, &c.usual, took, failed)
	if l.answered == jurorAt && l.fault == 0 {
		d.jury.seat(&l.standing, true)
	}
	d.sentence(now, l)
}

// hung holds it against a lane that it was set aside.
func (d *Dispatcher[M]) hung(l *Lane[M]) {
	if d.cfg.Eject > 0 {
		score := &l.scores[Failing-1]
		d.jury.change(&l.standing, func() { *score = min(*score+hang, failingAt) })
	}
}

// sentence ejects a lane that is far worse than the others, and brings one back that has proved itself meanwhile.
func (d *Dispatcher[M]) sentence(now time.Duration, l *Lane[M]) {
	if !l.able {
		return
	}
	fault := d.jury.guilty(&l.standing, 1)
	switch {
	case fault != 0 && l.fault == 0 && d.nejected < d.mostEjected():
		d.eject(now, l, fault)
	case fault == Failing && l.fault == Slow: // it must not get what waits
		l.fault = Failing
		d.tell(l)
		d.place(l)
	case l.fault != 0 && !l.doubted:
		d.restore(l)
	}
}

// mostEjected is how many lanes may be ejected: never the last one that is able.
func (d *Dispatcher[M]) mostEjected() int {
	return max(min(max(d.able*d.cfg.MaxEjected/100, 1), d.able-1), 0)
}

// eject keeps a lane from work, for longer each time. Those that were long ago are forgiven.
func (d *Dispatcher[M]) eject(now time.Duration, l *Lane[M], fault Fault) {
	if now-l.until > longest*d.cfg.Eject {
		l.row = 0
	}
	l.row = min(l.row+1, longest)
	l.fault, l.until = fault, now+time.Duration(l.row)*d.cfg.Eject
	l.others = d.jury.others(&l.standing)
	d.jury.seat(&l.standing, false)
	d.ejected[l.row-1].pushBack(&l.term)
	d.nejected++
	d.tell(l)
	d.place(l)
}

// restore ends an ejection. The lane is doubtful, unless it has proved itself: a few bad answers eject it again.
func (d *Dispatcher[M]) restore(l *Lane[M]) {
	d.pardon(l)
	d.tell(l)
	d.place(l)
}

func (d *Dispatcher[M]) pardon(l *Lane[M]) {
	if l.fault == 0 {
		return
	}
	l.fault = 0
	l.term.unlink()
	d.nejected--
	for k, bar := range bars {
		l.scores[k] = min(l.scores[k], bar-tries)
	}
	d.jury.seat(&l.standing, l.answered >= jurorAt)
}

// tryAgain restores the lanes whose time is over.
func (d *Dispatcher[M]) tryAgain(now time.Duration) {
	for i := range d.ejected {
		for l := d.ejected[i].front(); l != nil && now >= l.until; l = d.ejected[i].front() {
			d.restore(l)
		}
	}
}

// first returns the lane whose ejection ends first, or nil.
func (d *Dispatcher[M]) first() (first *Lane[M]) {
	for i := range d.ejected {
		if l := d.ejected[i].front(); l != nil && (first == nil || l.until < first.until) {
			first = l
		}
	}
	return first
}

// nextTry is when a lane's ejection ends, or a slow one takes what waits.
func (d *Dispatcher[M]) nextTry() (at time.Duration) {
	at = math.MaxInt64
	if l := d.first(); l != nil {
		at = l.until
	}
	if c, l := d.turns.front(), d.spare.front(); c != nil && l != nil && d.roomiest() == nil {
		at = min(at, c.queue.front().arrived+l.service)
	}
	return at
}

// countAble notices when a lane becomes able, or is no longer. It is not ejected then, and fewer others may be.
func (d *Dispatcher[M]) countAble(l *Lane[M]) {
	able := l.Able()
	if able == l.able {
		return
	}
	l.able = able
	if able {
		d.able++
		return
	}
	d.able--
	d.acquit(l)
	d.keepCap()
}

// acquit ends the ejection of a lane that gets nothing anyway, without a word.
func (d *Dispatcher[M]) acquit(l *Lane[M]) {
	d.pardon(l)
	l.news.unlink()
	l.told = 0
}

// keepCap brings lanes back when there are too few others.
func (d *Dispatcher[M]) keepCap() {
	for d.nejected > d.mostEjected() {
		d.restore(d.first())
	}
}

// forget is for a lane that is lost.
func (d *Dispatcher[M]) forget(l *Lane[M]) {
	d.acquit(l)
	d.jury.seat(&l.standing, false)
	if l.able {
		d.able--
	}
	d.keepCap()
}

// tell has Next say whether a lane is ejected.
func (d *Dispatcher[M]) tell(l *Lane[M]) {
	l.news.unlink()
	if l.fault != l.told {
		d.verdicts.pushBack(&l.news)
	}
}

func (d *Dispatcher[M]) announce(l *Lane[M]) Action[M] {
	l.news.unlink()
	l.told = l.fault
	if l.fault == 0 {
		return Action[M]{Kind: Back, Lane: l}
	}
	return Action[M]{Kind: Ejected, Lane: l}
}
