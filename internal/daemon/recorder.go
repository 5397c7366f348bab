package daemon

import (
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// recorder makes events of what the supervisor's loop is told and decides: each goes into the journal and into the log. What a Step does is
// caused by the event that it was given, and what a process does by what became of it before.
//
// All of it is the loop's but start and end, which come before and after it, and up.
type recorder struct {
	log     zerolog.Logger
	journal *timeline.Journal
	spec    fleet.Spec

	began    uint64                // the number of the fleet's first event
	ended    uint64                // that of what ended it; 0: it goes on
	rolls    map[string]uint64     // by service: the last event of its rolling restart that goes on
	upgrades map[string]uint64     // by service: when the replacement of its proxy began that goes on
	wants    map[string]int        // by service
	goes     map[string]uint64     // by service: the event of its removal, of those that are being removed
	lives    map[fleet.Life]*track // those that have not exited
	slots    map[fleet.Life]uint64 // by life 0: the last that happened there
	now      time.Time             // of the Step under way
	given    fleet.Event           //
	cause    uint64                // the number of what was given, or of what came of it at once; 0: nothing to tell of
}

// track is what is remembered of a process.
type track struct {
	last    uint64 // event
	started time.Time
	pid     int
	asked   bool   // to end
	gone    bool   // it has exited, in this Step
	wanted  string // why it is started, where its slot runs already
}

func newRecorder(log zerolog.Logger, journal *timeline.Journal, spec fleet.Spec) *recorder {
	r := &recorder{log: log, journal: journal, spec: spec}
	r.wants, r.lives, r.slots, r.rolls = map[string]int{}, map[fleet.Life]*track{}, map[fleet.Life]uint64{}, map[string]uint64{}
	r.goes, r.upgrades = map[string]uint64{}, map[string]uint64{}
	r.spec.Services = slices.Clone(spec.Services)
	for _, svc := range spec.Services {
		r.wants[svc.Name] = svc.Workers.Count
	}
	return r
}

// start records that the fleet starts, and that the one before did not say that it ended.
func (r *recorder) start(me admin.Version) {
	r.now = time.Now()
	if last := r.journal.Last(); last.Seq != 0 && last.Kind != timeline.FleetEnded {
		r.record(timeline.Event{Kind: timeline.FleetLost, Cause: last.Seq}, 0)
	}
	r.log.Info().Str("socket", me.Socket).Int("pid", me.Pid).Msgf("fleet %s starts", me.Fleet)
	r.began = r.journal.Add(timeline.Event{Kind: timeline.FleetStarted, Data: &timeline.Data{Pid: me.Pid}}).Seq
}

// up records that a service can be used. It is called by another goroutine than the loop's.
func (r *recorder) up(service, where string) {
	r.journal.Add(timeline.Event{Kind: timeline.ServiceUp, Service: service, Reason: where})
}

// end records that nothing is left of the fleet.
func (r *recorder) end() {
	r.log.Info().Msgf("fleet %s has ended", r.spec.Name)
	r.journal.Add(timeline.Event{Kind: timeline.FleetEnded})
}

// stepped is supervisor.Options.Stepped.
func (r *recorder) stepped(now time.Time, ev fleet.Event, actions []fleet.Action) {
	r.now, r.given, r.cause = now, ev, 0
	r.happened(ev)
	for _, a := range actions {
		switch a := a.(type) {
		case fleet.Note:
			r.noted(a)
		case fleet.RollNote:
			r.rolled(a)
		case fleet.UpgradeNote:
			r.upgraded(a)
		case fleet.HealthNote:
			r.judged(a)
		case fleet.Kill:
			r.tell(a.Life, timeline.Killed, r.asked(a), nil)
		case fleet.Gone:
			r.gone(a.Service)
		case fleet.Abort:
			r.tell(a.Life, timeline.Killed, "", nil)
		}
	}
	if e, ok := ev.(fleet.Exited); ok {
		delete(r.lives, e.Life)
	}
}

func (r *recorder) scaled(service string, want int, by, reason string) {
	was := r.wants[service]
	r.wants[service] = want
	data := &timeline.Data{By: by, Was: &was, Want: &want}
	r.cause = r.record(timeline.Event{Kind: timeline.Scaled, Service: service, Reason: reason, Data: data}, 0)
}

// happened records what is an event by itself, whatever the core makes of it.
func (r *recorder) happened(ev fleet.Event) {
	switch ev := ev.(type) {
	case fleet.Scaled:
		r.scaled(ev.Service, ev.Want, ev.By, "")
	case fleet.AutoScaled:
		r.scaled(ev.Service, ev.Want, "autoscaling", ev.Reason)
	case fleet.AutoAsked:
		r.cause = r.record(timeline.Event{Kind: timeline.Auto, Service: ev.Service, Data: &timeline.Data{By: ev.By}}, 0)
	case fleet.Reloaded:
		r.reloaded(ev)
	case fleet.Added:
		r.added(ev)
	case fleet.Removed:
		r.removed(ev)
	case fleet.Adopted:
		r.adopted(ev)
	case fleet.ShutdownAsked:
		data := &timeline.Data{By: ev.By}
		r.cause = r.record(timeline.Event{Kind: timeline.FleetEnding, Reason: urgency(ev.Now || r.ended != 0), Data: data}, 0)
		r.ended = r.cause
	case fleet.Launched:
		l := r.track(ev.Life)
		l.started, l.pid = r.now, ev.Pid
		r.tell(ev.Life, timeline.Started, l.wanted, &timeline.Data{Pid: ev.Pid})
	case fleet.Exited:
		r.exited(ev)
	}
}

// hasHeir says whether another process has the slot of a proxy, or is to get it.
func (r *recorder) hasHeir(name fleet.Life) bool {
	for other, l := range r.lives {
		if name.Slot == fleet.ProxySlot && slotOf(other) == slotOf(name) && other != name && !l.gone {
			return true
		}
	}
	return false
}

func urgency(now bool) string {
	if now {
		return "at once"
	}
	return "when all requests under way are answered"
}

func (r *recorder) exited(ev fleet.Exited) {
	l := r.track(ev.Life)
	data := &timeline.Data{Signal: ev.Exit.Signal, OOM: ev.Exit.OOM, Dump: ev.Exit.Dump, LastLines: lastWords(ev.Exit.LastLines)}
	if ev.Exit.Signal == "" && ev.Exit.Code >= 0 {
		data.Status = &ev.Exit.Code
	}
	if l.pid != 0 {
		data.After = timeline.Duration(r.now.Sub(l.started))
	}
	l.gone = true
	if l.asked || r.hasHeir(ev.Life) {
		data.Rung = ev.Exit.Rung
	}
	r.cause = r.tell(ev.Life, timeline.Exited, ev.Exit.Status(), data)
}

// What is kept of a process's last lines in its event; its log has all of them.
const (
	mostLastLines = 10
	mostLastLine  = 400 // bytes
)

func lastWords(lines []string) (kept []string) {
	for _, line := range lines[max(0, len(lines)-mostLastLines):] {
		if len(line) > mostLastLine {
			line = strings.ToValidUTF8(line[:mostLastLine], "") + "…"
		}
		kept = append(kept, line)
	}
	return kept
}

// noted records a change of state that is worth it.
func (r *recorder) noted(n fleet.Note) {
	switch n.To {
	case fleet.StatePending:
		r.pending(n)
	case fleet.StateStarting:
		r.starting(n)
	case fleet.StateReady:
		r.caused(n.Life, r.tell(n.Life, timeline.Ready, again(n), r.sinceStart(n)))
	case fleet.StateUnready:
		r.caused(n.Life, r.tell(n.Life, r.unready(n), n.Cause, nil))
	case fleet.StateDraining:
		r.track(n.Life).asked = true
		r.tell(n.Life, timeline.Draining, n.Cause, nil)
	case fleet.StateStopping:
		r.stopping(n)
	case fleet.StateBackoff:
		r.tell(n.Life, timeline.Backoff, "", &timeline.Data{RetryIn: timeline.Duration(n.Delay)})
	case fleet.StateCrashloop:
		r.tell(n.Life, timeline.Crashloop, r.policy(n.Life), &timeline.Data{RetryIn: timeline.Duration(n.Delay)})
	case fleet.StateStopped:
		r.stopped(n)
	}
}
