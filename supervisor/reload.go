package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zfleet/zfleet/supervisor/fleet"
	"github.com/zfleet/zfleet/supervisor/reload"
)

type reloadRequest struct {
	ctx    context.Context
	spec   fleet.Spec
	dry    bool
	opened opened
	by     string
	reply  chan reloadReply
}

type reloadReply struct {
	plan reload.Plan
	err  error
}

// Reload makes the fleet what spec says, by the least that does it, and returns what that is; dry only returns it. A plan that is refused in
// any part is not carried out, nor is one with a service whose ports cannot be opened. It returns at once: see Settled, Rolled and Gone. By is
// who asks, for event streams. When ctx ends first nothing is changed, if it has not been.
func (s *Supervisor) Reload(ctx context.Context, spec fleet.Spec, dry bool, by string) (reload.Plan, error) {
	plan, err := s.reloadInTurn(ctx, &reloadRequest{ctx: ctx, spec: spec, dry: dry, by: by})
	if err != nil {
		return nil, fmt.Errorf("cannot reload the fleet: %w", err)
	}
	return plan, nil
}

// reloadInTurn: what one reload has opened, another must not want to open as well. Ports are opened beside the loop, for that may be slow.
func (s *Supervisor) reloadInTurn(ctx context.Context, r *reloadRequest) (reload.Plan, error) {
	select {
	case s.reloads <- struct{}{}:
		defer func() { <-s.reloads }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	first := *r
	first.dry = true
	plan, err := s.askReload(&first)
	if err != nil || r.dry || plan.Refused() {
		return plan, err
	}
	if r.opened, err = s.openAll(plan, r.spec); err != nil {
		return nil, err
	}
	return s.askReload(r)
}

func (s *Supervisor) askReload(r *reloadRequest) (reload.Plan, error) {
	r.reply = make(chan reloadReply, 1)
	answer, err := ask(r.ctx, s, r, r.reply)
	if err == nil {
		err = answer.err
	}
	return answer.plan, err
}

// opened are the services whose ports are open for a reload: those that it adds, and those that it gives others.
type opened struct{ added, changed []string }

// lacks is a service that would get another proxy, but whose ports are not open: what it was declared to be has changed since. "": none.
func (o opened) lacks(plan reload.Plan) string {
	for _, step := range plan {
		if step.Do == reload.Proxy && !slices.Contains(o.changed, step.Service) {
			return step.Service
		}
	}
	return ""
}

// openAll opens the ports of all services that a plan adds or has another proxy for, or of none.
func (s *Supervisor) openAll(plan reload.Plan, spec fleet.Spec) (open opened, err error) {
	for _, svc := range spec.Services {
		switch {
		case plan.Has(reload.Add, svc.Name):
			if err = s.launcher.OpenService(svc); err == nil {
				open.added = append(open.added, svc.Name)
			}
		case plan.Has(reload.Proxy, svc.Name):
			if err = s.launcher.OpenPorts(svc); err == nil {
				open.changed = append(open.changed, svc.Name)
			}
		}
		if err != nil {
			s.closeAll(open)
			return opened{}, err
		}
	}
	return open, nil
}

func (s *Supervisor) closeAll(open opened) {
	for _, name := range open.added {
		s.launcher.CloseService(name)
	}
	for _, name := range open.changed {
		if svc, err := s.find(name); err == nil {
			s.launcher.ClosePorts(svc)
		}
	}
}

// reload is the loop's: nothing changes between the plan and what is done. What was opened is either used, or closed.
func (s *Supervisor) reload(r *reloadRequest) {
	plan, err := s.plan(r)
	if name := r.opened.lacks(plan); err == nil && !r.dry && !plan.Refused() && name != "" {
		err = fmt.Errorf("the proxy of service %s has changed meanwhile: try again", name)
	}
	if err == nil && !r.dry && !plan.Refused() {
		s.carryOut(plan, r)
	} else {
		s.closeAll(r.opened)
	}
	r.reply <- reloadReply{plan, err}
}

func (s *Supervisor) plan(r *reloadRequest) (reload.Plan, error) {
	view, running := s.fleet.View(), map[string]reload.Running{}
	switch {
	case view.Stopping:
		return nil, errors.New("the fleet is shutting down")
	case r.ctx.Err() != nil:
		return nil, r.ctx.Err()
	}
	now := fleet.Spec{Name: s.name}
	for _, svc := range view.Services {
		stale := slices.ContainsFunc(svc.Workers, func(w fleet.SlotView) bool { return w.Stale })
		running[svc.Name] = reload.Running{
			Want: svc.Want, Leaving: svc.Leaving, Stale: stale, Upgrading: svc.Upgrade.State == fleet.UpgradeUpgrading,
		}
		now.Services = append(now.Services, s.spec(svc.Name))
	}
	return reload.Make(now, r.spec, running), nil
}

// carryOut declares everything first: the bounds of scaling are the new ones. What goes goes last.
func (s *Supervisor) carryOut(plan reload.Plan, r *reloadRequest) {
	for i, svc := range r.spec.Services {
		if plan.Has(reload.Add, svc.Name) {
			s.step(fleet.Added{Service: svc, At: i, By: r.by})
			s.measurers.begin(svc.Name, s.measure)
			continue
		}
		s.step(fleet.Reloaded{Service: svc, Proxy: plan.Has(reload.Proxy, svc.Name), Roll: plan.Has(reload.Roll, svc.Name), By: r.by})
	}
	for _, step := range plan {
		switch step.Do {
		case reload.Scale:
			s.scale(&scaleRequest{
				ctx: context.Background(), svc: s.spec(step.Service), by: r.by, change: func(int) int { return step.Want },
				reply: make(chan scaleReply, 1),
			})
		case reload.Remove:
			s.measurers.stop(step.Service)
			s.step(fleet.Removed{Service: step.Service, By: r.by})
		}
	}
}
