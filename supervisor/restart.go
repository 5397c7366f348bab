package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

type restartRequest struct {
	service string
	check   func(fleet.ServiceView) error
	event   fleet.Event
	reply   chan rollReply
}

type rollReply struct {
	roll fleet.RollView
	err  error
}

// Restart begins a rolling restart of a service ("": the first), or of one slot of it, and returns at once: how it ends is [Rolled]'s. While
// one is under way it becomes part of that one. By is who asks, for event streams, here and in Continue and Undo.
func (s *Supervisor) Restart(ctx context.Context, service string, slot int, by string) (fleet.RollView, error) {
	return s.askRoll(ctx, "restart", service, func(svc fleet.Service) *restartRequest {
		return &restartRequest{
			check: func(view fleet.ServiceView) error { return restartable(view, slot) },
			event: fleet.RestartAsked{Service: svc.Name, Slot: slot, By: by},
		}
	})
}

// Continue lets a frozen rolling restart go on, and returns at once.
func (s *Supervisor) Continue(ctx context.Context, service, by string) (fleet.RollView, error) {
	return s.askRoll(ctx, "continue the rolling restart of", service, func(svc fleet.Service) *restartRequest {
		return &restartRequest{
			check: func(view fleet.ServiceView) error { return inState(view, fleet.RollFrozen) },
			event: fleet.ContinueAsked{Service: svc.Name, By: by},
		}
	})
}

// Undo gives up a rolling restart that is under way or frozen. Workers that are replaced stay so.
func (s *Supervisor) Undo(ctx context.Context, service, by string) (fleet.RollView, error) {
	return s.askRoll(ctx, "give up the rolling restart of", service, func(svc fleet.Service) *restartRequest {
		return &restartRequest{
			check: func(view fleet.ServiceView) error { return inState(view, fleet.RollRolling, fleet.RollFrozen) },
			event: fleet.UndoAsked{Service: svc.Name, By: by},
		}
	})
}

func restartable(view fleet.ServiceView, slot int) error {
	if slot == fleet.AllSlots {
		return nil
	}
	if !slices.ContainsFunc(view.Workers, func(w fleet.SlotView) bool { return w.Life.Slot == slot }) {
		return fmt.Errorf("%s has no worker %d", view.Name, slot)
	}
	if view.Roll.State == fleet.RollFrozen {
		return errors.New("its rolling restart is frozen: continue it, undo it, or restart the whole service")
	}
	return nil
}

func inState(view fleet.ServiceView, states ...fleet.RollState) error {
	switch now := view.Roll.State; {
	case slices.Contains(states, now):
		return nil
	case now == fleet.RollRolling:
		return errors.New("it is not frozen, it goes on")
	default:
		return errors.New("none is under way")
	}
}

func (s *Supervisor) askRoll(ctx context.Context, verb, service string, request func(fleet.Service) *restartRequest) (fleet.RollView, error) {
	svc, err := s.find(service)
	if err != nil {
		return fleet.RollView{}, fmt.Errorf("cannot %s a service: %v", verb, err)
	}
	r := request(svc)
	r.service, r.reply = svc.Name, make(chan rollReply, 1)
	answer, err := ask(ctx, s, r, r.reply)
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return fleet.RollView{}, fmt.Errorf("cannot %s %s: %w", verb, svc.Name, err)
	}
	return answer.roll, nil
}

// restart is the loop's part of every request about a roll.
func (s *Supervisor) restart(r *restartRequest) {
	view := s.fleet.View()
	svc := viewOf(view, r.service)
	err := r.check(svc)
	switch {
	case view.Stopping:
		err = errors.New("the fleet is shutting down")
	case isRemoved(svc):
		err = errRemoved
	}
	if err == nil {
		s.step(r.event)
	}
	r.reply <- rollReply{viewOf(s.fleet.View(), r.service).Roll, err}
}

// rolledRequest waits for a roll's outcome.
type rolledRequest struct {
	ctx     context.Context
	service string
	number  int
	reply   chan rollReply
}

// Rolled returns when no rolling restart of a service ("": the first) is under way that can go on by itself: the last one is done, frozen or
// undone, or there never was one. With the number of a restart, 0 is none, it is undone when that one was, whatever came after it.
func (s *Supervisor) Rolled(ctx context.Context, service string, number int) (fleet.RollView, error) {
	svc, err := s.find(service)
	if err != nil {
		return fleet.RollView{}, fmt.Errorf("cannot wait for a service: %v", err)
	}
	r := &rolledRequest{ctx: ctx, service: svc.Name, number: number, reply: make(chan rollReply, 1)}
	answer, err := ask(ctx, s, r, r.reply)
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return fleet.RollView{}, fmt.Errorf("the rolling restart of %s did not end: %w", svc.Name, err)
	}
	return answer.roll, nil
}

func (r *rolledRequest) answer(view fleet.View) (answered bool) {
	svc := viewOf(view, r.service)
	roll := svc.Roll
	switch {
	case r.ctx.Err() != nil:
	case view.Stopping:
		r.reply <- rollReply{err: errors.New("the fleet is shutting down")}
	case isRemoved(svc):
		r.reply <- rollReply{err: errRemoved}
	case r.number > 0 && r.number <= roll.Undone:
		roll.State = fleet.RollUndone
		r.reply <- rollReply{roll: roll}
	case roll.State == fleet.RollRolling:
		return false
	default:
		r.reply <- rollReply{roll: roll}
	}
	return true
}
