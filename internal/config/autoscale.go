package config

import (
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// leastBusy is a share of their time for which workers are hardly worth having.
const leastBusy = 10

// autoscale reads the table of a service. One that is not written leaves the service without autoscaling.
func (p *parser) autoscale(t, workers *table, s *fleet.Service) {
	a := defaultAutoscale(s.Workers)
	least, hasMin := t.integer("min", 0, maxWorkers, &a.Min)
	most, hasMax := t.integer("max", 1, maxWorkers, &a.Max)
	bounds := least.at
	if hasMax {
		bounds = most.at
	}
	t.duration("target_wait", time.Millisecond, &a.TargetWait)
	t.percent("target_busy", &a.TargetBusy)
	t.duration("up_cooldown", 0, &a.UpCooldown)
	t.duration("down_after", time.Second, &a.DownAfter)
	t.duration("down_cooldown", 0, &a.DownCooldown)
	t.duration("idle_after", time.Second, &a.IdleAfter)
	t.done()
	if t.values == nil {
		return
	}
	if a.TargetBusy < leastBusy {
		p.complain(t.valueAt("target_busy"), "target_busy must be from \"%d%%\" to \"100%%\"; this is \"%d%%\"", leastBusy, a.TargetBusy)
	}
	switch {
	case a.Max == 0 && most.raw == nil:
		p.complain(t.header(), "%s has no limit to autoscaling: write max = 8, say, under [%s]", t.service(), t.path)
	case a.Max > 0 && a.Max < a.Min:
		p.complain(bounds, "max (%d) is below min (%d)", a.Max, a.Min)
	case hasMin && a.Min < s.Workers.Min:
		p.complain(least.at, "min (%d) is below min (%d) of [%s]", a.Min, s.Workers.Min, workers.path)
	case hasMax && s.Workers.Max > 0 && a.Max > s.Workers.Max:
		p.complain(most.at, "max (%d) is above max (%d) of [%s]", a.Max, s.Workers.Max, workers.path)
	}
	p.firstCount(a, workers, &s.Workers)
	s.Autoscale = a
}

// firstCount is how many workers an autoscaled service starts with.
func (p *parser) firstCount(a fleet.Autoscale, workers *table, w *fleet.Workers) {
	_, written := workers.values["count"]
	switch at := workers.valueAt("count"); {
	case !written:
		w.Count = min(max(a.Min, 1), max(a.Max, 1))
	case w.Count < a.Min:
		p.complain(at, "count (%d) is below min (%d) of autoscaling", w.Count, a.Min)
	case a.Max > 0 && w.Count > a.Max:
		p.complain(at, "count (%d) is above max (%d) of autoscaling", w.Count, a.Max)
	}
}
