package daemon

import (
	"cmp"

	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/proxy/control"
)

// judgedLane records that a proxy gives a lane nothing for a while, or tries it again. It is called by another goroutine than the loop's.
func (r *recorder) judgedLane(service, worker string, e control.Event) {
	kind, reason := timeline.LaneBack, "it is tried again, or has proved itself"
	if e.Kind == control.LaneEjected {
		kind, reason = timeline.LaneEjected, e.Reason
	}
	data := &timeline.Data{Pid: e.Lane.Pid, Peer: e.Lane.Peer}
	if kind == timeline.LaneEjected {
		data.RetryIn = timeline.Duration(e.Lane.EjectedUntil.Sub(e.At))
	}
	event := r.journal.Add(timeline.Event{Kind: kind, Service: service, Worker: worker, Reason: reason, Data: data})
	line := r.log.WithLevel(level(event)).Str("service", service).Str("worker", cmp.Or(worker, "foreign")).Str("peer", e.Lane.Peer)
	line.Str("event", string(event.Kind)).Uint64("seq", event.Seq).Msg(event.Words())
}
