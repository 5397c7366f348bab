package daemon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zfleet/zfleet/internal/cgroup"
	"github.com/zfleet/zfleet/supervisor/fleet"
	"github.com/zfleet/zfleet/supervisor/launch"
)

// takeCgroups takes the control groups that are delegated, if any are. Proxies that are to be taken over from stay in theirs.
func (d *Daemon) takeCgroups(orphans []*launch.Orphan) {
	var keep []int
	for _, o := range orphans {
		keep = append(keep, o.Pid)
	}
	tree, err := cgroup.Take(keep...)
	why := "the kernel has no such controllers for them"
	if err != nil {
		why = err.Error()
	}
	d.cgroups, d.noLimits = tree, why
	if d.tellLimits(d.spec); err != nil {
		d.log.Debug().Err(err).Msg("workers get no control groups of their own")
	}
}

// tellLimits tells which limits of a fleet file are not applied, when that is news: now, and in every status.
func (d *Daemon) tellLimits(spec fleet.Spec) {
	text := notApplied(spec, d.cgroups, d.noLimits)
	if old := d.unlimited.Swap(&text); text != "" && (old == nil || *old != text) {
		d.log.Warn().Msg("cgroups: " + text)
	}
}

// notApplied is "" when every limit is, or there is none.
func notApplied(spec fleet.Spec, tree *cgroup.Tree, why string) string {
	var missing, services []string
	for _, svc := range spec.Services {
		if lacks := tree.Missing(cgroup.Limits{Memory: svc.Workers.MemoryLimit, CPUs: svc.Workers.CPUs}); len(lacks) > 0 {
			services, missing = append(services, svc.Name), append(missing, lacks...)
		}
	}
	if services == nil {
		return ""
	}
	slices.Sort(missing)
	return fmt.Sprintf("not delegated (%s): limits of %s are not applied: %s", strings.Join(slices.Compact(missing), ", "), strings.Join(services, ", "), why)
}
