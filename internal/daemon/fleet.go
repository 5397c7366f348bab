package daemon

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/supervisor"
)

// Version says who runs.
func (d *Daemon) Version() admin.Version { return d.me }

// Down ends the fleet: drained, or at once. Run returns when it has ended. A supervisor that is asked twice to drain ends at once; whoever
// asks here twice, zfleet down in a second terminal say, did not mean that and can say what they mean.
func (d *Daemon) Down(_ context.Context, req admin.DownRequest) error {
	if req.Now {
		d.supervisor.Shutdown(true, req.By)
		return nil
	}
	d.drain.Do(func() { d.supervisor.Shutdown(false, req.By) })
	return nil
}

// Scale changes how many workers a service has, within the bounds of the fleet file, or leaves that to autoscaling again.
func (d *Daemon) Scale(ctx context.Context, req admin.ScaleRequest) (admin.ScaleReply, error) {
	if err := d.know(req.Service); err != nil {
		return admin.ScaleReply{}, err
	}
	reply := admin.ScaleReply{Service: cmp.Or(req.Service, d.names()[0])}
	if req.Auto {
		return d.auto(ctx, req.By, reply)
	}
	var was int // the loop's until it has answered
	want, err := d.supervisor.Scale(ctx, req.Service, req.By, func(want int) int {
		was = want
		if req.Count != nil {
			return *req.Count
		}
		return want + req.Delta
	})
	if err != nil {
		return admin.ScaleReply{}, refusal(err)
	}
	reply.Want, reply.Was = want, was
	if d.isAutoscaled(ctx, reply.Service) {
		reply.Auto = admin.AutoHeld
	}
	return reply, nil
}

func (d *Daemon) auto(ctx context.Context, by string, reply admin.ScaleReply) (admin.ScaleReply, error) {
	want, err := d.supervisor.Auto(ctx, reply.Service, by)
	if err != nil {
		return admin.ScaleReply{}, refusal(err)
	}
	reply.Want, reply.Was, reply.Auto = want, want, admin.AutoDecides
	return reply, nil
}

// know refuses a service that there is not; "" is the first.
func (d *Daemon) know(service string) error {
	if names := d.names(); service != "" && !slices.Contains(names, service) {
		return admin.Errorf(admin.CodeUnknownService, "fleet %s has no service %q; it has %s", d.spec.Name, service, strings.Join(names, ", "))
	}
	return nil
}

func (d *Daemon) names() (names []string) {
	for _, svc := range d.supervisor.Services() {
		names = append(names, svc.Name)
	}
	return names
}

// named is the service of that name, or all of them for "".
func (d *Daemon) named(service string) ([]string, error) {
	if service == "" {
		return d.names(), nil
	}
	return []string{service}, d.know(service)
}

// refusal tells a supervisor that says no from one that does not answer.
func refusal(err error) error {
	switch {
	case errors.Is(err, supervisor.ErrEnded):
		return admin.Errorf(admin.CodeStopping, "%v", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return admin.Errorf(admin.CodeRefused, "%v", err)
}

// Settled waits until a service has as many workers ready as wanted and none is leaving, or all services have when the name is "", or until
// nothing is left of one that is being removed. It fails when that will not come about by waiting.
func (d *Daemon) Settled(ctx context.Context, service string) (admin.Status, error) {
	if d.isLeaving(ctx, service) {
		if err := d.supervisor.Gone(ctx, service); err != nil {
			return admin.Status{}, refusal(err)
		}
		return d.Status(ctx)
	}
	names, err := d.named(service)
	if err != nil {
		return admin.Status{}, err
	}
	for _, name := range names {
		if err := d.supervisor.Settled(ctx, name); err != nil {
			return admin.Status{}, refusal(err)
		}
	}
	return d.Status(ctx)
}

// isLeaving says whether a service is being removed.
func (d *Daemon) isLeaving(ctx context.Context, service string) bool {
	view, err := d.supervisor.View(ctx)
	return err == nil && serviceView(view, service).Leaving
}

// Events reads the fleet's events as they are kept, also those of services that there are not any more.
func (d *Daemon) Events(ctx context.Context, q admin.EventQuery) (func(tell func(event any) error) error, error) {
	query := timeline.Query{Service: q.Service, Worker: q.Worker, Since: q.Since, Last: q.Last, Follow: q.Follow}
	return func(tell func(event any) error) error {
		return timeline.Read(ctx, d.me.State, query, func(e timeline.Event) error { return tell(e) })
	}, nil
}
