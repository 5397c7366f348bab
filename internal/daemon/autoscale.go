package daemon

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/autoscale"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// whileOff is how often it is looked whether a service is autoscaled now, after a reload or by command.
const whileOff = time.Second

// autoscaler decides how many workers one service has, while it has the table for that in the fleet file and no number set by hand holds.
type autoscaler struct {
	*Daemon
	service string
	scaler  *autoscale.Scaler // nil while it does not decide
	policy  fleet.AutoView    // that the scaler goes by
	last    autoscaled
	shown   atomic.Pointer[autoscaled] // last, for those who ask
}

// autoscaled is what autoscaling of one service came to.
type autoscaled struct {
	decision autoscale.Decision
	change   autoscaleChange
}

type autoscaleChange struct {
	at  time.Time // zero: there was none
	was int
	autoscale.Decision
}

func (a *autoscaler) run(ctx context.Context) {
	for {
		again := a.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
	}
}

// look observes, decides and does what was decided. It returns when to look again.
func (a *autoscaler) look(ctx context.Context) (again time.Duration) {
	view, err := a.supervisor.View(ctx)
	svc := serviceView(view, a.service)
	if err != nil || view.Stopping || !svc.Auto.On() || svc.Auto.Held {
		a.stop()
		return whileOff
	}
	a.declared(svc.Auto)
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	snapshot, err := a.launcher.Snapshot(ctx, a.service)
	if err != nil { // the scaler sees that it was blind
		return whileOff
	}
	decision := a.scaler.Decide(observation(time.Now(), svc, snapshot))
	a.last.decision = decision
	if decision.Want != svc.Want {
		a.change(ctx, svc.Want, decision)
	}
	shown := a.last
	a.shown.Store(&shown)
	return decision.Again
}

// stop forgets all: what was seen before is not true any more when it goes on.
func (a *autoscaler) stop() {
	a.scaler, a.last = nil, autoscaled{}
	a.shown.Store(nil)
}

// declared sees to it that the scaler goes by what the fleet file says now.
func (a *autoscaler) declared(now fleet.AutoView) {
	if a.scaler == nil || now != a.policy {
		a.policy, a.scaler = now, autoscale.New(policyOf(now))
	}
}

func (a *autoscaler) change(ctx context.Context, was int, d autoscale.Decision) {
	want, err := a.supervisor.Autoscale(ctx, a.service, d.Want, d.Reason)
	if err != nil || want != d.Want { // the fleet ends, or an operator was quicker
		a.line(d).Err(err).Int("was", was).Msg("autoscaling was not obeyed")
		return
	}
	a.last.change = autoscaleChange{at: time.Now(), was: was, Decision: d}
	a.line(d).Int("was", was).Msg("autoscaling was obeyed")
}

// line is what was measured; what was decided is an event.
func (a *autoscaler) line(d autoscale.Decision) *zerolog.Event {
	return a.log.Debug().Str("service", a.service).Int("want", d.Want).Str("cause", string(d.Cause)).
		Dur("wait", d.Wait).Float64("busy", d.Busy).Float64("rate", d.Rate).Int("penalty", d.Penalty)
}

// noTimeout is what a worker that may take for ever to start is waited for.
const noTimeout = time.Hour

func policyOf(a fleet.AutoView) autoscale.Policy {
	return autoscale.Policy{
		Min: a.Min, Max: a.Max, TargetWait: a.TargetWait, TargetBusy: float64(a.TargetBusy) / 100,
		UpCooldown: a.UpCooldown, DownAfter: a.DownAfter, DownCooldown: a.DownCooldown, IdleAfter: a.IdleAfter,
		StartTimeout: cmp.Or(a.StartTimeout, noTimeout),
	}
}

// isAutoscaled says whether a service has autoscaling, be it held or not.
func (d *Daemon) isAutoscaled(ctx context.Context, service string) bool {
	view, err := d.supervisor.View(ctx)
	return err == nil && serviceView(view, service).Auto.On()
}

func serviceView(view fleet.View, name string) fleet.ServiceView {
	for _, svc := range view.Services {
		if svc.Name == name {
			return svc
		}
	}
	return fleet.ServiceView{}
}

// observation is what the supervisor and the proxy know of a service, put together. Lanes that drain, whose worker is not ready or hangs, or
// that are ejected, are left out: they take no requests.
func observation(now time.Time, svc fleet.ServiceView, s control.Snapshot) autoscale.Observation {
	o := autoscale.Observation{
		At: now, Since: s.Since,
		Waiting: s.Queued, Oldest: micros(s.Load.OldestUS), Held: s.Inflight, Working: s.Load.Working,
		Ready: svc.Ready, Wanted: svc.Want,
		Totals: autoscale.Totals{
			Requests: s.Counters.Requests, Delivered: s.Load.Delivered, Answered: s.Load.Answered,
			Waited: micros(s.Load.WaitedUS), Busy: micros(s.Load.BusyUS),
		},
	}
	for _, lane := range s.Lanes {
		switch {
		case lane.Draining, lane.OnHold, lane.Stuck != "", lane.Unfit != "", lane.Ejected != "":
		case lane.Worker == "":
			o.Foreign++
		default:
			o.Lanes++
		}
	}
	return o
}

// micros reads a total. One too large for a Duration comes round, and the scaler takes that for a gap.
func micros(us uint64) time.Duration { return time.Duration(us) * time.Microsecond }
