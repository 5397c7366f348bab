package dispatch

// Hold gives lane l nothing new until Resume. What it has it goes on with. It is for a worker that is not ready: Drain, which is for one that
// is to end, is never undone, and holds whatever is said here.
func (d *Dispatcher[M]) Hold(l *Lane[M]) { d.hold(l, true) }

// Resume gives a lane that is on hold requests again.
func (d *Dispatcher[M]) Resume(l *Lane[M]) { d.hold(l, false) }

// OnHold says that Hold was called for this lane, and not Resume since.
func (l *Lane[M]) OnHold() bool { return l.onHold }

func (d *Dispatcher[M]) hold(l *Lane[M], on bool) {
	if l.onHold == on {
		return
	}
	l.onHold = on
	if !l.draining { // or else it has been drained
		d.place(l)
	}
}
