package fleet

import "time"

// An Action is something for the shell to do.
type Action interface{ action() }

type (
	// Start a process for Life: a worker, or the proxy when Life.Slot is ProxySlot.
	Start struct{ Life Life }
	// Stop it by the ladder, from the top.
	Stop struct{ Life Life }
	// Kill it now.
	Kill struct {
		Life   Life
		Reason string
	}
	// Abort a worker that does not do what it should: it may leave a stack dump, soon, then it is killed.
	Abort struct {
		Life   Life
		Reason string
	}
	// Quiesce a service: no new requests from clients, tell when none is left.
	Quiesce struct{ Service string }
	// Note a change of state, for logs and event streams.
	Note struct {
		Life  Life
		From  State
		To    State
		Cause string        // exited with status 1; scaled down to 2; ready; …
		Delay time.Duration // To is StateBackoff or StateCrashloop: until the next start
	}
	// RollNote tells that a roll began, froze, went on or ended, for logs and event streams.
	RollNote struct {
		Service   string
		To        RollState
		Cause     string
		Done, Of  int      // workers that are replaced, and that there are to replace
		LastLines []string // To is RollFrozen: what the worker printed last on whose account it froze
	}
	// UpgradeNote tells that the replacement of a service's proxy began, was done or failed, for logs and event streams.
	UpgradeNote struct {
		Service   string
		To        UpgradeState
		Declared  bool // it comes with another declaration, which holds if To is UpgradeDone, and not if it is UpgradeFailed
		Cause     string
		LastLines []string // To is UpgradeFailed: what the new proxy printed last
	}
	// HealthNote tells that a service became degraded, or is no longer, for logs and event streams.
	HealthNote struct {
		Service  string
		Degraded bool
		Cause    string
	}
	// Gone says that nothing is left of a service that was removed: its ports are not needed any more.
	Gone struct{ Service string }
	// Finish says that nothing is left to supervise.
	Finish struct{}
)

func (Start) action()       {}
func (Stop) action()        {}
func (Kill) action()        {}
func (Abort) action()       {}
func (Quiesce) action()     {}
func (Note) action()        {}
func (RollNote) action()    {}
func (UpgradeNote) action() {}
func (HealthNote) action()  {}
func (Gone) action()        {}
func (Finish) action()      {}
