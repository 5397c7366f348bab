package proxy

import (
	"github.com/zfleet/zfleet/internal/errorreply"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// errorFor says why a request is answered with an error.
func (l *loop) errorFor(a dispatch.Action[*message]) errorreply.Error {
	switch a.Cause {
	case dispatch.Overdue:
		return errorreply.Overdue(l.opts.Dispatch.Deadline, a.Attempts)
	case dispatch.AttemptsUsed:
		return errorreply.AttemptsUsed(a.Attempts)
	case dispatch.LaneLost:
		return errorreply.WorkerLost(a.Attempts)
	case dispatch.Rejected:
		return errorreply.QueueFull
	}
	return errorreply.ShuttingDown
}
