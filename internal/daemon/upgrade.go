package daemon

import (
	"cmp"
	"context"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Upgrade has new proxies take over from those of one service, or of all, and says of which version the old ones are.
func (d *Daemon) Upgrade(ctx context.Context, req admin.UpgradeRequest) (reply admin.UpgradeReply, err error) {
	names, err := d.named(req.Service)
	if err != nil {
		return reply, err
	}
	for _, name := range names {
		before := d.upgradeOf(ctx, name, fleet.UpgradeView{})
		view, err := d.supervisor.Upgrade(ctx, name, req.By)
		if err != nil {
			return reply, refusal(err)
		}
		before.Number, before.State = view.Number, string(view.State)
		reply.Upgrades = append(reply.Upgrades, before)
	}
	return reply, nil
}

// Upgraded waits until a service's proxy is not being replaced, and says of which version it is then.
func (d *Daemon) Upgraded(ctx context.Context, service string) (admin.Upgrade, error) {
	if err := d.know(service); err != nil {
		return admin.Upgrade{}, err
	}
	view, err := d.supervisor.Upgraded(ctx, service)
	if err != nil {
		return admin.Upgrade{}, refusal(err)
	}
	return d.upgradeOf(ctx, cmp.Or(service, d.names()[0]), view), nil
}

// upgradeOf asks the proxy that serves who it is. One that does not answer is nobody.
func (d *Daemon) upgradeOf(ctx context.Context, service string, view fleet.UpgradeView) admin.Upgrade {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	said, _ := d.launcher.Snapshot(ctx, service)
	return admin.Upgrade{
		Service: service, Number: view.Number, State: string(view.State), Reason: view.Reason, LastLines: view.LastLines,
		Pid: said.Pid, Version: said.Version, Clients: said.Clients,
	}
}

// upgradeKinds is what the states of an upgrade are called as events.
var upgradeKinds = map[fleet.UpgradeState]timeline.Kind{
	fleet.UpgradeUpgrading: timeline.Upgrading,
	fleet.UpgradeDone:      timeline.Upgraded,
	fleet.UpgradeFailed:    timeline.NotUpgraded,
}

// upgraded records how the replacement of a proxy goes. Until it is over, that it began is what causes a new proxy to start.
func (r *recorder) upgraded(n fleet.UpgradeNote) {
	r.goesOn(r.upgrades, n.To == fleet.UpgradeUpgrading, timeline.Event{
		Kind: upgradeKinds[n.To], Service: n.Service, Reason: n.Cause,
		Data: &timeline.Data{By: r.askedBy(), LastLines: lastWords(n.LastLines)},
	})
}

// adopted records what became of a proxy that a killed supervisor left.
func (r *recorder) adopted(ev fleet.Adopted) {
	kind := timeline.Adopted
	if ev.Failed != "" {
		kind = timeline.NotAdopted
	}
	r.cause = r.record(timeline.Event{
		Kind: kind, Service: ev.Service, Cause: r.began, Reason: ev.Failed,
		Data: &timeline.Data{Pid: ev.Pid, Clients: &ev.Clients, Waiting: &ev.Waiting},
	}, 0)
}
