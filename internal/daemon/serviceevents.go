package daemon

import (
	"maps"
	"slices"

	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

func (r *recorder) added(ev fleet.Added) {
	r.spec.Services = append(r.spec.Services, ev.Service)
	r.wants[ev.Service.Name] = ev.Service.Workers.Count
	r.cause = r.record(timeline.Event{Kind: timeline.ServiceAdded, Service: ev.Service.Name, Data: &timeline.Data{By: ev.By}}, 0)
}

// removed: what its workers do from now on is caused by that.
func (r *recorder) removed(ev fleet.Removed) {
	r.cause = r.record(timeline.Event{
		Kind: timeline.ServiceGoing, Service: ev.Service, Reason: urgency(false), Data: &timeline.Data{By: ev.By},
	}, 0)
	r.goes[ev.Service] = r.cause
}

// gone forgets a service of which nothing is left.
func (r *recorder) gone(service string) {
	r.record(timeline.Event{Kind: timeline.ServiceGone, Service: service, Cause: r.goes[service]}, 0)
	r.spec.Services = slices.DeleteFunc(r.spec.Services, func(svc fleet.Service) bool { return svc.Name == service })
	delete(r.wants, service)
	delete(r.goes, service)
	delete(r.rolls, service)
	delete(r.upgrades, service)
	maps.DeleteFunc(r.slots, func(slot fleet.Life, _ uint64) bool { return slot.Service == service })
}
