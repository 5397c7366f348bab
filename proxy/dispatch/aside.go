package dispatch

import (
	"slices"
	"time"
)

// SetAside takes back what lane l holds, as Lost does, and keeps the lane: it gets nothing until it has answered all of that, which Late
// tells. It is for a worker that hangs and may wake. Ended instead, libzmq would connect it again at once: a new lane that holds nothing,
// and so the one that is chosen first, though the worker still hangs. A lane that is set aside and draining is Drained at once. Nothing
// changes for a lane that holds nothing.
func (d *Dispatcher[M]) SetAside(now time.Duration, l *Lane[M]) {
	if l.outstanding == 0 {
		return
	}
	for r := l.held.front(); r != nil; r = r.node.next.owner {
		l.owed = append(l.owed, r.token())
	}
	l.busy = l.Busy(now)
	d.takeBack(l, true)
	l.rest()
	d.place(l)
	d.hung(l)
}

// Late says that lane l replied to t, for which Reply was not ok. It says whether that brings back a lane that was set aside: with the last
// of the replies that it owed. Each counts once, and any other token not at all: a worker that has answered less still hangs, whatever
// else it says. With Config.Eject, one that hangs time and again is ejected when it is back.
func (d *Dispatcher[M]) Late(now time.Duration, l *Lane[M], t Token) (back bool) {
	i := slices.Index(l.owed, t)
	if i < 0 {
		return false
	}
	l.owed = slices.Delete(l.owed, i, i+1)
	if l.Aside() {
		return false
	}
	if !l.draining { // or else it has been drained
		d.place(l)
		d.sentence(now, l)
	}
	return true
}

// Aside says that the lane is set aside: it gets nothing, because it owes replies to what was taken back from it.
func (l *Lane[M]) Aside() bool { return len(l.owed) > 0 }
