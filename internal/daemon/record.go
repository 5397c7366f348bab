package daemon

import (
	"cmp"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// pending: what made a slot wanted is what causes its next start. After a delay that is what the delay was for.
func (r *recorder) pending(n fleet.Note) {
	if r.cause != 0 && n.From != fleet.StateBackoff && n.From != fleet.StateCrashloop {
		r.slots[slotOf(n.Life)] = r.cause
	}
}

func again(n fleet.Note) string {
	if n.From == fleet.StateUnready {
		return n.Cause
	}
	return ""
}

func (r *recorder) sinceStart(n fleet.Note) *timeline.Data {
	l := r.track(n.Life)
	if n.From != fleet.StateStarting || l.pid == 0 {
		return nil
	}
	return &timeline.Data{After: timeline.Duration(r.now.Sub(l.started))}
}

// unready tells the three ways apart: the core has the first two killed.
func (r *recorder) unready(n fleet.Note) timeline.Kind {
	switch hung, ok := r.given.(fleet.Hung); {
	case ok && hung.Life == n.Life:
		return timeline.Hung
	case n.From == fleet.StateStarting:
		return timeline.Late
	}
	return timeline.Unready
}

func (r *recorder) stopping(n fleet.Note) {
	r.track(n.Life).asked = true
	if ended, ok := r.given.(fleet.DrainEnded); ok && ended.Life == n.Life {
		r.tell(n.Life, timeline.Drained, "", nil)
	}
}

// stopped: of a process that was told to stop, its exit has said all; and at the fleet's end nothing is started again.
func (r *recorder) stopped(n fleet.Note) {
	if n.Life.Slot == fleet.ProxySlot && r.ended == 0 && r.goes[n.Life.Service] == 0 {
		return // another one has its place, and how that came about is told
	}
	switch n.From {
	case fleet.StateDraining, fleet.StateStopping:
	case fleet.StateStarting, fleet.StateReady, fleet.StateUnready:
		if !r.isEnding(n.Life.Service) {
			r.tell(n.Life, timeline.GaveUp, n.Cause, nil)
		}
	default:
		if n.Life.N > 0 { // of what never was there is nothing to tell
			r.tell(n.Life, timeline.Dropped, n.Cause, nil)
			delete(r.lives, n.Life)
		}
	}
}

// policy is what makes a crash loop, in words. That of a proxy is the core's own.
func (r *recorder) policy(name fleet.Life) string {
	for _, svc := range r.spec.Services {
		if svc.Name == name.Service && name.Slot != fleet.ProxySlot {
			return fmt.Sprintf("%d failures in %v", svc.Restart.Failures, timeline.Duration(svc.Restart.Window))
		}
	}
	return ""
}

// tell records what became of a life. Where it was told to end, its cause is what the Step was given, or the fleet's end; otherwise what
// happened to the life before.
func (r *recorder) tell(name fleet.Life, kind timeline.Kind, reason string, data *timeline.Data) uint64 {
	l := r.track(name)
	l.last = r.record(timeline.Event{
		Kind: kind, Service: name.Service, Worker: name.String(), Cause: r.causeOf(name, kind, l), Reason: reason, Data: data,
	}, l.pid)
	r.slots[slotOf(name)] = l.last
	return l.last
}

func (r *recorder) causeOf(name fleet.Life, kind timeline.Kind, l *track) uint64 {
	if kind == timeline.Draining || kind == timeline.Dropped || kind == timeline.Killed && r.isShutdown() {
		return cmp.Or(r.cause, r.goes[name.Service], r.ended, l.last)
	}
	return l.last
}

// isEnding says whether a service was told to end, by itself or with all.
func (r *recorder) isEnding(service string) bool { return r.ended != 0 || r.goes[service] != 0 }

func (r *recorder) isShutdown() bool {
	_, ok := r.given.(fleet.ShutdownAsked)
	return ok
}

// asked is the reason for a kill that somebody asked for. Any other is for what happened just before.
func (r *recorder) asked(kill fleet.Kill) string {
	if r.isShutdown() {
		return kill.Reason
	}
	return ""
}

// caused: what came of the news of a life causes what else the same Step does.
func (r *recorder) caused(name fleet.Life, seq uint64) {
	if of, ok := lifeOf(r.given); ok && of == name {
		r.cause = seq
	}
}

func lifeOf(ev fleet.Event) (fleet.Life, bool) {
	switch ev := ev.(type) {
	case fleet.BecameReady:
		return ev.Life, true
	case fleet.BecameUnready:
		return ev.Life, true
	case fleet.Hung:
		return ev.Life, true
	}
	return fleet.Life{}, false
}

// track is what is known of a process. What happened last in its slot, or to the fleet, led to a new one.
func (r *recorder) track(name fleet.Life) *track {
	l := r.lives[name]
	if l == nil {
		l = &track{last: r.began}
		if seq, known := r.slots[slotOf(name)]; known {
			l.last = seq
		}
		r.lives[name] = l
	}
	return l
}

func slotOf(name fleet.Life) fleet.Life { return fleet.Life{Service: name.Service, Slot: name.Slot} }

// record writes an event into the journal and into the log.
func (r *recorder) record(e timeline.Event, pid int) uint64 {
	e.Time = r.now
	e = r.journal.Add(e)
	line := r.log.WithLevel(level(e))
	if e.Service != "" {
		line = line.Str("service", e.Service)
	}
	if e.Worker != "" {
		line = line.Str("worker", e.Worker)
	}
	if pid != 0 {
		line = line.Int("pid", pid)
	}
	line.Str("event", string(e.Kind)).Uint64("seq", e.Seq).Msg(e.Words())
	return e.Seq
}

func level(e timeline.Event) zerolog.Level {
	switch e.Kind {
	case timeline.Unready, timeline.Hung, timeline.Late, timeline.Backoff, timeline.FleetLost, timeline.LaneEjected, timeline.NotAdopted:
		return zerolog.WarnLevel
	case timeline.Killed:
		if e.Reason == "" { // nobody asked for it
			return zerolog.WarnLevel
		}
	case timeline.Crashloop, timeline.GaveUp, timeline.RollFrozen, timeline.NotUpgraded, timeline.Degraded:
		return zerolog.ErrorLevel
	case timeline.Exited:
		if e.Data.Rung == "" {
			return zerolog.WarnLevel
		}
	}
	return zerolog.InfoLevel
}
