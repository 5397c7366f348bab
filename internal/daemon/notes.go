package daemon

import (
	"sync"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// notes logs what becomes of every process life, with the pid that only its launcher knows.
type notes struct {
	log  zerolog.Logger
	pids sync.Map // fleet.Life → int, while the process lives
}

// note is called by the supervisor's loop and must not wait for it.
func (n *notes) note(change fleet.Note) {
	line := n.line(level(change), change.Life).Str("state", string(change.To))
	if change.Cause != "" && change.Cause != string(change.To) { // ready, because it is ready
		line = line.Str("cause", change.Cause)
	}
	if change.Delay > 0 {
		line = line.Stringer("retry_in", change.Delay)
	}
	line.Msg(string(change.To))
	switch change.To {
	case fleet.StateStopped, fleet.StateBackoff, fleet.StateCrashloop:
		n.pids.Delete(change.Life)
	}
}

// roll is called by the supervisor's loop, as note is.
func (n *notes) roll(change fleet.RollNote) {
	at := zerolog.InfoLevel
	if change.To == fleet.RollFrozen {
		at = zerolog.ErrorLevel
	}
	line := n.log.WithLevel(at).Str("service", change.Service).Str("roll", string(change.To)).Str("cause", change.Cause).
		Int("done", change.Done).Int("of", change.Of)
	if len(change.LastLines) > 0 {
		line = line.Strs("last_lines", change.LastLines)
	}
	line.Msgf("the rolling restart of %s is %s: %s", change.Service, change.To, change.Cause)
}

func (n *notes) line(at zerolog.Level, life fleet.Life) *zerolog.Event {
	line := n.log.WithLevel(at).Str("service", life.Service).Str("worker", life.String())
	if pid, ok := n.pids.Load(life); ok {
		line = line.Int("pid", pid.(int))
	}
	return line
}

func level(change fleet.Note) zerolog.Level {
	switch change.To {
	case fleet.StatePending, fleet.StateStarting: // that it has started is told with its pid
		return zerolog.DebugLevel
	case fleet.StateUnready, fleet.StateBackoff:
		return zerolog.WarnLevel
	case fleet.StateCrashloop:
		return zerolog.ErrorLevel
	case fleet.StateStopped:
		return levelOfEnd(change.From)
	default:
		return zerolog.InfoLevel
	}
}

// A worker that stops without having been told to will not come back.
func levelOfEnd(from fleet.State) zerolog.Level {
	switch from {
	case fleet.StateStarting, fleet.StateReady, fleet.StateUnready:
		return zerolog.ErrorLevel
	default:
		return zerolog.InfoLevel
	}
}

// noted is a launcher whose processes are noted.
type noted struct {
	launcher
	notes *notes
}

func (l noted) Launch(life fleet.Life, svc fleet.Service, tell func(fleet.Event)) supervisor.Process {
	return l.launcher.Launch(life, svc, func(ev fleet.Event) {
		if launched, ok := ev.(fleet.Launched); ok {
			l.notes.pids.Store(life, launched.Pid)
			l.notes.line(zerolog.InfoLevel, life).Str("state", string(fleet.StateStarting)).Msg("started")
		}
		tell(ev)
	})
}
