package fleet

// An Event is something that happened. Lives that are not the slot's current one are ignored.
type Event interface{ event() }

type (
	// Began is what a fleet's first Step is usually given: the shell is there.
	Began struct{}
	// Scaled says that an operator wants this many workers; below 0 counts as 0. Wanting as many as before, or more, also asks again for
	// the slots that stopped for good. It is ignored for an unknown service, and once a shutdown was asked for.
	//
	// With autoscaling the number holds until AutoAsked.
	Scaled struct {
		Service string
		Want    int
		By      string // who asked, for event streams
	}
	// AutoScaled says that autoscaling wants this many workers, and why. It is ignored where there is no autoscaling, while a number that an
	// operator wanted holds, and once a shutdown was asked for.
	AutoScaled struct {
		Service string
		Want    int
		Reason  string
	}
	// AutoAsked says that an operator leaves the number of workers to autoscaling again.
	AutoAsked struct {
		Service string
		By      string // who asked, for event streams
	}
	// Launched says that the process exists.
	Launched struct {
		Life Life
		Pid  int
	}
	// BecameReady says that everything holds that readiness needs: control service answers, lane connected, health check passes.
	BecameReady struct{ Life Life }
	// BecameUnready says that one of them no longer does, or, of a life that was not ready yet, still does not.
	BecameUnready struct {
		Life     Life
		Reason   string
		Declined bool // it says so itself: it is given no requests
	}
	// Hung says that the process lives but does not do what it should any more. Silent: it does not answer its health checks, which may be
	// no fault of its own. It answers again when it has BecomeReady, or BecameUnready for another reason.
	Hung struct {
		Life   Life
		Reason string
		Silent bool
	}
	// DrainEnded says that a stopping worker holds nothing any more, or that its grace is over; it is being terminated.
	DrainEnded struct{ Life Life }
	// Exited is the last news of every life that was started.
	Exited struct {
		Life Life
		Exit Exit
	}
	// Observed says how many requests each worker holds, for the choice of who goes on scaling down. A worker that is left out holds none.
	Observed struct {
		Service  string
		Inflight map[Life]int
	}
	// Measured says what workers have done and how they are. A worker that is left out was not measured.
	Measured struct {
		Service string
		Workers map[Life]Measure
	}
	// Reloaded says that a service is declared otherwise now. How many workers are wanted stays; the rest holds from now on, for a worker
	// from its next start. With Proxy its frontend, backend and delivery are others too, and another proxy takes over with them; when that
	// fails, those that were there before hold again. Without it they stay. With Roll its workers are replaced by new ones, as RestartAsked does for all, and
	// giving up that roll brings back what was before. It is ignored for what there is not, and once a shutdown was asked for.
	Reloaded struct {
		Service Service
		Proxy   bool
		Roll    bool
		By      string // who asked, for event streams
	}
	// Added says that a service is declared that there was not. Where: before so many of the others; it is ignored for one that there is, also
	// one that is being removed, and once a shutdown was asked for.
	Added struct {
		Service Service
		At      int
		By      string // as in Reloaded
	}
	// Removed says that a service is not declared any more: it is drained, as ShutdownAsked does with all, and forgotten when nothing is left
	// of it. It is ignored for a service that there is not.
	Removed struct{ Service, By string }
	// UpgradeAsked says that an operator wants a newer proxy to take over from the one that serves. It is ignored for what there is not, and
	// once a shutdown was asked for.
	UpgradeAsked struct {
		Service string
		By      string // as in Reloaded
	}
	// Adopted says that a new proxy has taken over from one that a supervisor which was killed had left, or could not. The core knows of
	// that proxy from others: this is for event streams.
	Adopted struct {
		Service          string
		Pid              int    // of the proxy that was left
		Clients, Waiting int    // connections and requests that it had
		Failed           string // why it could not be taken over: it was told to end. "": it was
	}
	// RestartAsked says that an operator wants workers replaced by newer ones, each of which is ready before the old one drains: all of a
	// service, or one slot. While a roll is under way, or frozen, it becomes part of it, and the roll goes on. It is ignored for what there
	// is not, and once a shutdown was asked for.
	RestartAsked struct {
		Service string
		Slot    int    // or AllSlots
		By      string // as in Reloaded
	}
	// ContinueAsked says that an operator wants a frozen roll to go on.
	ContinueAsked struct{ Service, By string }
	// UndoAsked says that an operator wants a roll given up: who has not been replaced stays, and who has stays too, unless the roll came
	// with other settings: then those are taken back, and who has been replaced is replaced once more.
	UndoAsked struct{ Service, By string }
	// ShutdownAsked says to drain everything and end. Asked a second time, or with Now, it ends at once.
	ShutdownAsked struct {
		Now bool
		By  string // who asked, for event streams
	}
	// Quiesced says that the service's proxy holds no request any more, or that its time was up.
	Quiesced struct{ Service string }
	// TimePassed says that the deadline was reached.
	TimePassed struct{}
)

func (Began) event()         {}
func (Scaled) event()        {}
func (AutoScaled) event()    {}
func (AutoAsked) event()     {}
func (Launched) event()      {}
func (BecameReady) event()   {}
func (BecameUnready) event() {}
func (Hung) event()          {}
func (DrainEnded) event()    {}
func (Exited) event()        {}
func (Observed) event()      {}
func (Measured) event()      {}
func (Reloaded) event()      {}
func (Added) event()         {}
func (Removed) event()       {}
func (UpgradeAsked) event()  {}
func (Adopted) event()       {}
func (RestartAsked) event()  {}
func (ContinueAsked) event() {}
func (UndoAsked) event()     {}
func (ShutdownAsked) event() {}
func (Quiesced) event()      {}
func (TimePassed) event()    {}

// AllSlots is every slot of a service.
const AllSlots = -2

// Measure is what was found out about a worker, of its current life.
type Measure struct {
	Requests uint64 // answered
	Memory   int64  // bytes of its process group in memory
	Stale    bool   // its program has changed since it was started
}

// lifeEvent is news of one life.
type lifeEvent interface {
	Event
	life() Life
}

func (e Launched) life() Life      { return e.Life }
func (e BecameReady) life() Life   { return e.Life }
func (e BecameUnready) life() Life { return e.Life }
func (e Hung) life() Life          { return e.Life }
func (e DrainEnded) life() Life    { return e.Life }
func (e Exited) life() Life        { return e.Life }
