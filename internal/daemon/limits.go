package daemon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zfleet/zfleet/internal/cgroup"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// takeCgroups takes the control groups that are delegated, if any are, and tells once which limits of the fleet file are not applied.
func (d *Daemon) takeCgroups() {
	tree, err := cgroup.Take()
	why := "the kernel has no such controllers for them"
	if err != nil {
		why = err.Error()
	}
	d.cgroups, d.unlimited = tree, notApplied(d.spec, tree, why)
	switch {
	case d.unlimited != "":
		d.log.Warn().Msg("cgroups: " + d.unlimited)
	case err != nil:
		d.log.Debug().Err(err).Msg("workers get no control groups of their own")
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
