package daemon

import (
	"context"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/config"
)

// Reload reads the fleet file again and has the fleet become what it says. A file that is wrong changes nothing; the refusal has all its
// complaints.
func (d *Daemon) Reload(ctx context.Context, req admin.ReloadRequest) (reply admin.ReloadReply, err error) {
	if !req.DryRun {
		defer d.reloading()()
	}
	file, err := d.load(d.me.File)
	if err != nil {
		return reply, admin.Errorf(admin.CodeRefused, "%v", err)
	}
	plan, err := d.supervisor.Reload(ctx, file.Spec, req.DryRun, req.By)
	if err != nil {
		return reply, refusal(err)
	}
	if !req.DryRun && !plan.Refused() {
		d.tellLimits(file.Spec)
	}
	reply.Refused, reply.Steps = plan.Refused(), []admin.ReloadStep{}
	for _, step := range plan {
		reply.Steps = append(reply.Steps, admin.ReloadStep{Do: string(step.Do), Service: step.Service, What: step.What})
	}
	for _, what := range later(d.file, file) {
		reply.Steps = append(reply.Steps, admin.ReloadStep{Do: admin.ReloadLater, What: what + " holds from the next zfleet up"})
	}
	return reply, nil
}

// later is what has changed that a running fleet takes no notice of.
func later(old, next config.File) (changes []string) {
	if old.Log != next.Log {
		changes = append(changes, "[log]")
	}
	if old.Admin != next.Admin {
		changes = append(changes, "[admin]")
	}
	if old.Spec.OrphanGrace != next.Spec.OrphanGrace {
		changes = append(changes, "orphan_grace")
	}
	if old.State != next.State {
		changes = append(changes, "state_dir")
	}
	return changes
}
