package fleet

// State of a slot. The legal moves:
//
//	stopped → pending → starting → ready ⇄ unready
//	starting → unready                                         (it did not become ready in time and is being killed)
//	starting, ready, unready → draining → stopping → stopped
//	starting, ready, unready → stopping                        (killed at the fleet's end)
//	starting, ready, unready → backoff | crashloop | stopped   (it ended by itself, or was killed because it hung)
//	backoff, crashloop → pending
//	pending, backoff, crashloop → stopped                      (no longer wanted)
type State string

// The states.
const (
	StatePending   State = "pending" // wants to start, waits for its turn among unproven starts
	StateStarting  State = "starting"
	StateReady     State = "ready"
	StateUnready   State = "unready"
	StateDraining  State = "draining"
	StateStopping  State = "stopping"
	StateStopped   State = "stopped" // in a View: wanted, but starting it again cannot help
	StateBackoff   State = "backoff"
	StateCrashloop State = "crashloop"
)

// The states that have no word of their own outside.
const (
	stateFree   State = ""       // not wanted and not running: the slot is there only for its life number
	stateKilled State = "killed" // by the core, for a failure, and not gone yet
)

// word is the state as the outside knows it: in Views, in Notes, in ps.
func (s State) word() State {
	switch s {
	case stateFree:
		return StateStopped
	case stateKilled:
		return StateUnready
	default:
		return s
	}
}

// alive: there is a process, or one is being made.
func (s State) alive() bool {
	switch s {
	case StateStarting, StateReady, StateUnready, StateDraining, StateStopping, stateKilled:
		return true
	default:
		return false
	}
}

// up: alive, and nobody told it to end.
func (s State) up() bool {
	switch s {
	case StateStarting, StateReady, StateUnready:
		return true
	default:
		return false
	}
}

// wanted: one of the workers that the operator asked for, however it fares.
func (s State) wanted() bool {
	switch s {
	case stateFree, StateDraining, StateStopping:
		return false
	default:
		return true
	}
}
