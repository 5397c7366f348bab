package proxy

import (
	"fmt"
	"math"
	"time"

	"github.com/zfleet/zfleet/internal/errorreply"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// isError says whether a worker's reply says that the worker could not do what it should. Nearly all replies are looked at with one byte.
func (l *loop) isError(reply []byte) bool {
	if l.opts.Dispatch.Eject == 0 || reply[len(reply)-1] != '}' {
		return false
	}
	body, ok := zmtp.OnlyFrame(reply)
	return ok && errorreply.BlamesWorker(body)
}

// ejected says why a lane gets nothing for a while: to the log, and to whoever watches.
func (l *loop) ejected(ln *lane) {
	e, ejected := ln.core.Ejected()
	if !ejected { // it is to be drained since, or stuck
		return
	}
	l.count.Ejected++
	reason := why(e)
	l.reports.warn("a worker is far worse than others, and gets no requests for a while", reason, ln.peer)
	l.lanes.ejected(ln, reason, l.began.Add(e.Until))
}

func (l *loop) restored(ln *lane) {
	l.reports.info("a worker that got no requests for a while is tried again", ln.peer)
	l.lanes.back(ln)
}

func why(e dispatch.Ejection) string {
	if e.Fault == dispatch.Slow {
		return fmt.Sprintf("a request takes it about %v, and others about %v", digits(e.Took), digits(e.Others))
	}
	return "it answers with errors, or hangs, and others do not"
}

// digits leaves two of a time.
func digits(d time.Duration) time.Duration {
	unit := math.Pow10(max(int(math.Log10(float64(max(d, 1))))-1, 0))
	return d.Round(time.Duration(unit))
}
