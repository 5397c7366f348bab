package fleet

import "slices"

func (f *Fleet) reloaded(ev Reloaded) {
	svc := f.serving(ev.Service.Name)
	if svc == nil {
		return
	}
	before, declared := svc.Service, f.nextTicket()
	svc.declare(ev.Service)
	if ev.Proxy {
		svc.Frontend, svc.Backend, svc.Delivery = ev.Service.Frontend, ev.Service.Backend, ev.Service.Delivery
		f.beginUpgrade(svc, &before, "the fleet file has changed")
	}
	if !ev.Roll {
		return
	}
	f.beginRoll(svc, "the fleet file has changed", func(*slot) bool { return true })
	if svc.roll.before == nil {
		svc.roll.before, svc.roll.since = &before, declared
	}
}

// declare takes what the proxy has no part in.
func (svc *service) declare(next Service) {
	next.Frontend, next.Backend, next.Delivery = svc.Frontend, svc.Backend, svc.Delivery
	svc.Service = next
	svc.held = svc.held && next.Autoscale.On()
}

// takeBack gives up a roll that came with other settings. Those that were there before hold again; who was started with the others is
// replaced in a roll of its own.
func (f *Fleet) takeBack(svc *service) {
	var replaced []*slot
	for _, s := range svc.slots {
		if s.state.wanted() && s.born > svc.roll.since {
			replaced = append(replaced, s)
		}
	}
	before := *svc.roll.before
	before.Workers.Count = svc.Workers.Count // as many as are wanted stay wanted
	svc.declare(before)
	f.finishRoll(svc, RollUndone, "an operator gave it up: what was declared before holds again")
	if len(replaced) > 0 {
		f.beginRoll(svc, "back to what was declared before", func(s *slot) bool { return slices.Contains(replaced, s) })
	}
}
