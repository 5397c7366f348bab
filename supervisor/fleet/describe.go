package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Describe draws the fleet in a few aligned lines, for people and for tests. Times are told from the last Step.
func (f *Fleet) Describe() string {
	var b strings.Builder
	for _, svc := range f.View().Services {
		fmt.Fprintf(&b, "%s: want %d, ready %d%s%s%s\n", svc.Name, svc.Want, svc.Ready, svc.Roll, svc.Upgrade, going(svc))
		if svc.Degraded != "" {
			fmt.Fprintf(&b, "  degraded: %s\n", svc.Degraded)
		}
		slots := slices.Concat([]SlotView{svc.Proxy}, svc.Upgrade.Others, svc.Workers)
		names := 0
		for _, s := range slots {
			names = max(names, len(s.Life.String()))
		}
		for _, s := range slots {
			line := fmt.Sprintf("  %-*v  %-9s  %s", names, s.Life, s.State, strings.Join(s.details(f.now), ", "))
			fmt.Fprintln(&b, strings.TrimRight(line, " "))
		}
	}
	return b.String()
}

func going(svc ServiceView) string {
	if svc.Leaving {
		return ", leaving"
	}
	return ""
}

// details is what there is to say of a slot beside its state.
func (s SlotView) details(now time.Time) (all []string) {
	if s.Pid != 0 {
		all = append(all, fmt.Sprintf("pid %d", s.Pid))
	}
	if s.Restarts != 0 {
		all = append(all, fmt.Sprintf("restarts %d", s.Restarts))
	}
	if !s.Next.IsZero() {
		all = append(all, fmt.Sprintf("next in %v", s.Next.Sub(now)))
	}
	if s.Replaces != (Life{}) {
		all = append(all, fmt.Sprintf("replaces %v", s.Replaces))
	}
	if s.Stale {
		all = append(all, "stale")
	}
	if s.Reason != "" {
		all = append(all, s.Reason)
	}
	return all
}
