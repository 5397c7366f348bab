package proxy

import (
	"runtime/debug"
	"time"
)

// A loop in its steady state allocates nothing, so the collector has no reason to run, and what a burst took would stay with the process for
// minutes, or for ever. The loop therefore says when it has let go of much, and a goroutine of its own collects that and gives it back to the
// system: both take longer than a request may wait.

const (
	tidyEvery   = 5 * time.Second // how often idle buffers are let go of, while there are some
	reclaimFrom = 16 << 20        // bytes let go of that are worth a collection
)

// tidy lets go of idle buffers. When that has come to much, and the load that let go of it is over, it has memory given back: under load the
// collector runs by itself.
func (l *loop) tidy() {
	before := l.pool.gone
	l.pool.trim()
	l.spare += l.pool.gone - l.tidied
	fresh := before - l.tidied
	l.tidied = l.pool.gone
	if l.spare >= reclaimFrom && fresh < reclaimFrom {
		l.spare = 0
		l.reclaimer.ask()
	}
}

// untidy says that there is something left to let go of, or to give back.
func (l *loop) untidy() bool { return l.pool.idle > 0 || l.spare+l.pool.gone-l.tidied >= reclaimFrom }

// reclaimer gives memory back to the system, one time after the other.
type reclaimer struct {
	asked   chan struct{}
	release func() // debug.FreeOSMemory
}

func newReclaimer() *reclaimer {
	return &reclaimer{asked: make(chan struct{}, 1), release: debug.FreeOSMemory}
}

// ask is called on the loop. It does not wait: one that is asked for already will do.
func (r *reclaimer) ask() {
	select {
	case r.asked <- struct{}{}:
	default:
	}
}

// run answers until asked is closed.
func (r *reclaimer) run() {
	for range r.asked {
		r.release()
	}
}
