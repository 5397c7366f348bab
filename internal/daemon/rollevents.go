package daemon

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// rollKinds is what the states of a rolling restart are called as events.
var rollKinds = map[fleet.RollState]timeline.Kind{
	fleet.RollRolling: timeline.Rolling,
	fleet.RollFrozen:  timeline.RollFrozen,
	fleet.RollDone:    timeline.RollDone,
	fleet.RollUndone:  timeline.RollUndone,
}

// rolled records how a rolling restart goes. What it does later is caused by that.
func (r *recorder) rolled(n fleet.RollNote) {
	r.goesOn(r.rolls, n.To == fleet.RollRolling || n.To == fleet.RollFrozen, timeline.Event{
		Kind: rollKinds[n.To], Service: n.Service, Reason: n.Cause,
		Data: &timeline.Data{By: r.askedBy(), Done: n.Done, Of: n.Of, LastLines: lastWords(n.LastLines)},
	})
}

// goesOn records a step of what takes a while for a service. last has the one before, and keeps this one unless it is over.
func (r *recorder) goesOn(last map[string]uint64, on bool, e timeline.Event) {
	e.Cause = cmp.Or(r.cause, last[e.Service])
	r.cause = r.record(e, 0)
	delete(last, e.Service)
	if on {
		last[e.Service] = r.cause
	}
}

// judged records that a service became degraded, or is well again.
func (r *recorder) judged(n fleet.HealthNote) {
	kind := timeline.Well
	if n.Degraded {
		kind = timeline.Degraded
	}
	r.record(timeline.Event{Kind: kind, Service: n.Service, Cause: r.cause, Reason: n.Cause}, 0)
}

// askedBy is who asked for what the Step was given, "" if nobody did.
func (r *recorder) askedBy() string {
	switch ev := r.given.(type) {
	case fleet.RestartAsked:
		return ev.By
	case fleet.UpgradeAsked:
		return ev.By
	case fleet.ContinueAsked:
		return ev.By
	case fleet.UndoAsked:
		return ev.By
	case fleet.Reloaded:
		return ev.By
	}
	return ""
}

// reloaded: every service is declared anew with each reload, and mostly as it was.
func (r *recorder) reloaded(ev fleet.Reloaded) {
	i := slices.IndexFunc(r.spec.Services, func(svc fleet.Service) bool { return svc.Name == ev.Service.Name })
	if i < 0 || reflect.DeepEqual(r.spec.Services[i], ev.Service) {
		return
	}
	r.spec.Services[i] = ev.Service
	r.cause = r.record(timeline.Event{Kind: timeline.Reloaded, Service: ev.Service.Name, Data: &timeline.Data{By: ev.By}}, 0)
}

// starting: a life whose slot has another one is to replace it, for a rolling restart or because that one is worn.
func (r *recorder) starting(n fleet.Note) {
	for other, known := range r.lives {
		if slotOf(other) != slotOf(n.Life) || other == n.Life || known.gone {
			continue
		}
		l := r.track(n.Life)
		l.wanted = n.Cause
		if seq := r.wishOf(n.Life); seq != 0 {
			l.last = seq
		}
		return
	}
}

// wishOf is the event that wants a newer process in a life's slot, 0 if none does.
func (r *recorder) wishOf(name fleet.Life) uint64 {
	if name.Slot == fleet.ProxySlot {
		return r.upgrades[name.Service]
	}
	return r.rolls[name.Service]
}
