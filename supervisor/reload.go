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
	spec  fleet.Spec
	dry   bool
	by    string
	reply chan reloadReply
}

type reloadReply struct {
	plan reload.Plan
	err  error
}

// Reload makes the fleet what spec says, by the least that does it, and returns what that is; dry only returns it. A plan that is refused in
// any part is not carried out. It returns at once: see Settled and Rolled. By is who asks, for
// event streams.
func (s *Supervisor) Reload(ctx context.Context, spec fleet.Spec, dry bool, by string) (reload.Plan, error) {
	r := &reloadRequest{spec: spec, dry: dry, by: by, reply: make(chan reloadReply, 1)}
	answer, err := ask(ctx, s, r, r.reply)
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return nil, fmt.Errorf("cannot reload the fleet: %w", err)
	}
	return answer.plan, nil
}

// reload is the loop's: nothing changes between the plan and what is done.
func (s *Supervisor) reload(r *reloadRequest) {
	view, running := s.fleet.View(), map[string]reload.Running{}
	if view.Stopping {
		r.reply <- reloadReply{err: errors.New("the fleet is shutting down")}
		return
	}
	for _, svc := range view.Services {
		stale := slices.ContainsFunc(svc.Workers, func(w fleet.SlotView) bool { return w.Stale })
		running[svc.Name] = reload.Running{Want: svc.Want, Stale: stale}
	}
	now := r.spec
	now.Name, now.Services = s.name, *s.services.Load()
	plan := reload.Make(now, r.spec, running)
	if !r.dry && !plan.Refused() {
		s.carryOut(plan, r)
	}
	r.reply <- reloadReply{plan: plan}
}

// carryOut declares everything first: the bounds of scaling are the new ones.
func (s *Supervisor) carryOut(plan reload.Plan, r *reloadRequest) {
	for _, svc := range r.spec.Services {
		s.step(fleet.Reloaded{Service: svc, Roll: plan.Has(reload.Roll, svc.Name), By: r.by})
	}
	for _, step := range plan {
		if step.Do == reload.Scale {
			s.scale(&scaleRequest{
				ctx: context.Background(), svc: s.spec(step.Service), by: r.by, change: func(int) int { return step.Want },
				reply: make(chan scaleReply, 1),
			})
		}
	}
}
