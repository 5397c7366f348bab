package daemon

import (
	"cmp"
	"context"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Restart begins rolling restarts, or says how they go on.
func (d *Daemon) Restart(ctx context.Context, req admin.RestartRequest) (reply admin.RestartReply, err error) {
	names, err := d.named(req.Service)
	if err != nil {
		return reply, err
	}
	for _, name := range names {
		roll, err := d.restart(ctx, name, req)
		if err != nil {
			return reply, refusal(err)
		}
		reply.Rolls = append(reply.Rolls, rollOf(name, roll))
	}
	return reply, nil
}

func (d *Daemon) restart(ctx context.Context, name string, req admin.RestartRequest) (fleet.RollView, error) {
	switch {
	case req.Do == admin.RestartContinue:
		return d.supervisor.Continue(ctx, name, req.By)
	case req.Do == admin.RestartUndo:
		return d.supervisor.Undo(ctx, name, req.By)
	case req.Slot != nil:
		return d.supervisor.Restart(ctx, name, *req.Slot, req.By)
	}
	return d.supervisor.Restart(ctx, name, fleet.AllSlots, req.By)
}

// Rolled waits until a service's rolling restart is over, or frozen, or that of a number undone.
func (d *Daemon) Rolled(ctx context.Context, service string, number int) (admin.Roll, error) {
	if err := d.know(service); err != nil {
		return admin.Roll{}, err
	}
	roll, err := d.supervisor.Rolled(ctx, service, number)
	if err != nil {
		return admin.Roll{}, refusal(err)
	}
	return rollOf(cmp.Or(service, d.names()[0]), roll), nil
}

func rollOf(service string, view fleet.RollView) admin.Roll {
	return admin.Roll{
		Service: service, Number: view.Number, State: string(view.State), Done: view.Done, Of: view.Of,
		Reason: view.Reason, LastLines: view.LastLines,
	}
}
