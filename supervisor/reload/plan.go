// Package reload says what has to be done for a running fleet to become what its file says now: [Make] compares two specs and the numbers
// of workers that run, and returns a [Plan], the least that does it. It is pure. Reading the file and doing what the plan says is left to
// others.
package reload

import (
	"fmt"
	"slices"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Do is what a step does.
type Do string

// What steps do.
const (
	Scale  Do = "scale"  // another number of workers is wanted
	Roll   Do = "roll"   // workers are replaced by new ones: what they are has changed
	Set    Do = "set"    // settings of the supervisor that no running worker has to be replaced for
	Refuse Do = "refuse" // cannot be done while the fleet runs: then nothing is
)

// Step is one thing to do.
type Step struct {
	Do      Do
	Service string
	Want    int    // of Scale
	What    string // in words: 3 → 5, env.MODEL changed
}

func (s Step) String() string { return fmt.Sprintf("%s %s: %s", s.Do, s.Service, s.What) }

// Plan is what to do, in this order. An empty one: nothing has changed.
type Plan []Step

// Refused says whether the plan has a step that cannot be done, so that nothing is to be done.
func (p Plan) Refused() bool {
	return slices.ContainsFunc(p, func(s Step) bool { return s.Do == Refuse })
}

// Has says whether the plan does this to a service.
func (p Plan) Has(do Do, service string) bool {
	return slices.ContainsFunc(p, func(s Step) bool { return s.Do == do && s.Service == service })
}

// Running is what is to be known of a service beside what was declared.
type Running struct {
	Want  int  // workers
	Stale bool // the program of a worker has changed since it was started
}

// Make compares what runs with what is to run.
func Make(now, next fleet.Spec, running map[string]Running) (plan Plan) {
	if now.Name != next.Name {
		plan = append(plan, Step{Do: Refuse, Service: now.Name, What: fmt.Sprintf("the fleet's name is %s in the file", next.Name)})
	}
	for _, svc := range next.Services {
		if old, ok := find(now, svc.Name); ok {
			plan = append(plan, compare(old, svc, running[svc.Name])...)
		} else {
			plan = append(plan, Step{Do: Refuse, Service: svc.Name, What: "it is a new service"})
		}
	}
	for _, svc := range now.Services {
		if _, ok := find(next, svc.Name); !ok {
			plan = append(plan, Step{Do: Refuse, Service: svc.Name, What: "it is not in the file any more"})
		}
	}
	return plan
}

func find(spec fleet.Spec, name string) (fleet.Service, bool) {
	i := slices.IndexFunc(spec.Services, func(s fleet.Service) bool { return s.Name == name })
	if i < 0 {
		return fleet.Service{}, false
	}
	return spec.Services[i], true
}

// compare is the steps of one service.
func compare(old, svc fleet.Service, now Running) (plan Plan) {
	add := func(do Do, changes []string) {
		if len(changes) > 0 {
			plan = append(plan, Step{Do: do, Service: svc.Name, What: join(changes)})
		}
	}
	add(Refuse, changed(ports(old), ports(svc)))
	add(Refuse, changed(delivery(old.Delivery), delivery(svc.Delivery)))
	add(Set, changed(settings(old), settings(svc)))
	if svc.Workers.Count != now.Want && !svc.Autoscale.On() { // count is where that begins, and no more
		plan = append(plan, Step{Do: Scale, Service: svc.Name, Want: svc.Workers.Count, What: scaling(old, svc, now.Want)})
	}
	changes := changed(program(old.Workers), program(svc.Workers))
	if now.Stale {
		changes = append(changes, "its program has changed on disk")
	}
	add(Roll, changes)
	return plan
}

func scaling(old, svc fleet.Service, want int) string {
	text := fmt.Sprintf("%d → %d", want, svc.Workers.Count)
	switch {
	case old.Autoscale.On():
		text += " (count was autoscaled: now what the file says)"
	case want != old.Workers.Count:
		text += fmt.Sprintf(" (count was changed by hand to %d: back to what the file says)", want)
	}
	return text
}
