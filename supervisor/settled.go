package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// waiter waits for the fleet to be as it likes.
type waiter interface {
	// answer says whether there is nothing more to wait for: it has told the one who waits, or that one has given up.
	answer(fleet.View) bool
}

type settledRequest struct {
	ctx     context.Context
	service string
	reply   chan error
}

// Settled returns when a service ("": the first) has a ready proxy and as many ready workers as it wants, and none is starting, draining or
// stopping. It fails when waiting is in vain: a worker has stopped for good, or it or the proxy is in a crash loop, or the fleet ends.
func (s *Supervisor) Settled(ctx context.Context, service string) error {
	svc, err := s.find(service)
	if err != nil {
		return fmt.Errorf("cannot wait for a service: %v", err)
	}
	r := &settledRequest{ctx: ctx, service: svc.Name, reply: make(chan error, 1)}
	answer, err := ask(ctx, s, r, r.reply)
	if err == nil {
		err = answer
	}
	if err != nil {
		return fmt.Errorf("%s did not settle: %w", svc.Name, err)
	}
	return nil
}

type goneRequest struct {
	ctx     context.Context
	service string
	reply   chan error
}

// Gone returns when nothing is left of a service that is being removed, at once if none of that name is.
func (s *Supervisor) Gone(ctx context.Context, service string) error {
	r := &goneRequest{ctx: ctx, service: service, reply: make(chan error, 1)}
	answer, err := ask(ctx, s, r, r.reply)
	if err == nil {
		err = answer
	}
	if err != nil {
		return fmt.Errorf("%s is not gone: %w", service, err)
	}
	return nil
}

func (r *goneRequest) answer(view fleet.View) (answered bool) {
	switch {
	case r.ctx.Err() != nil:
	case view.Stopping:
		r.reply <- errors.New("the fleet is shutting down")
	case viewOf(view, r.service).Leaving:
		return false
	default:
		r.reply <- nil
	}
	return true
}

func (s *Supervisor) wait(w waiter) {
	s.waiters = append(s.waiters, w)
	s.answerWaiters()
}

// answerWaiters answers whom it can and forgets who gave up.
func (s *Supervisor) answerWaiters() {
	if len(s.waiters) == 0 {
		return
	}
	view := s.fleet.View()
	s.waiters = slices.DeleteFunc(s.waiters, func(w waiter) bool { return w.answer(view) })
}

func (r *settledRequest) answer(view fleet.View) (answered bool) {
	if r.ctx.Err() != nil {
		return true
	}
	done, err := settled(view, r.service)
	if done || err != nil {
		r.reply <- err
	}
	return done || err != nil
}

// settled says whether a service is as it should be, or why waiting for that is in vain.
func settled(view fleet.View, service string) (bool, error) {
	if view.Stopping {
		return false, errors.New("the fleet is shutting down")
	}
	svc := viewOf(view, service)
	if isRemoved(svc) {
		return false, errRemoved
	}
	leaving := false
	for _, slot := range append([]fleet.SlotView{svc.Proxy}, svc.Workers...) {
		if slot.Replaces != (fleet.Life{}) {
			continue // its predecessor serves until it is ready
		}
		switch slot.State {
		case fleet.StateStopped:
			return false, fmt.Errorf("%v stopped: %s", slot.Life, slot.Reason)
		case fleet.StateCrashloop:
			return false, fmt.Errorf("%v is in a crash loop: %s", slot.Life, slot.Reason)
		case fleet.StateDraining, fleet.StateStopping:
			leaving = true
		}
	}
	// As many ready as wanted: then none of the wanted is starting.
	return !leaving && svc.Ready == svc.Want && svc.Proxy.State == fleet.StateReady, nil
}
