package supervisor

import (
	"context"
	"fmt"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Autoscale is Scale for autoscaling, with the reason for its decision. It returns how many workers are wanted now: another number, if an
// operator's holds.
func (s *Supervisor) Autoscale(ctx context.Context, service string, want int, reason string) (int, error) {
	svc, err := s.find(service)
	if err != nil {
		return 0, fmt.Errorf("cannot autoscale: %v", err)
	}
	return s.askScale(ctx, &scaleRequest{
		ctx: ctx, svc: svc, change: func(int) int { return want }, auto: reason, reply: make(chan scaleReply, 1),
	})
}

type autoRequest struct {
	service string
	by      string
	reply   chan scaleReply
}

// Auto leaves the number of a service's workers ("": the first service) to autoscaling again, after Scale set one, and returns how many are
// wanted until that decides. By is who asks, for event streams.
func (s *Supervisor) Auto(ctx context.Context, service, by string) (want int, err error) {
	svc, err := s.find(service)
	if err != nil {
		return 0, fmt.Errorf("cannot autoscale: %v", err)
	}
	r := &autoRequest{service: svc.Name, by: by, reply: make(chan scaleReply, 1)}
	answer, err := ask(ctx, s, r, r.reply)
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return 0, fmt.Errorf("cannot autoscale %s: %w", svc.Name, err)
	}
	return answer.want, nil
}

// auto is the loop's.
func (s *Supervisor) auto(r *autoRequest) {
	view := viewOf(s.fleet.View(), r.service)
	if isRemoved(view) {
		r.reply <- scaleReply{err: errRemoved}
		return
	}
	if !view.Auto.On() {
		r.reply <- scaleReply{err: fmt.Errorf("it has no [service.%s.autoscale]", r.service)}
		return
	}
	s.step(fleet.AutoAsked{Service: r.service, By: r.by})
	r.reply <- scaleReply{want: view.Want}
}
