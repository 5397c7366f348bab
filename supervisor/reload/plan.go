// Package reload says what has to be done for a running fleet to become what its file says now: [Make] compares two specs and the numbers
// of workers that run, and returns a [Plan], the least that does it. It is pure. Reading the file and doing what the plan says is left to
// others.
package reload

import (
	"fmt"
	"slices"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Do is what a step does.
type Do string

// What steps do.
const (
	Proxy  Do = "proxy"  // another proxy takes over: its ports or its settings have changed
	Scale  Do = "scale"  // another number of workers is wanted
	Roll   Do = "roll"   // workers are replaced by new ones: what they are has changed
	Set    Do = "set"    // settings of the supervisor that no running worker has to be replaced for
	Add    Do = "add"    // a service comes
	Remove Do = "remove" // a service goes, when the requests that it has are answered
	Refuse Do = "refuse" // cannot be done while the fleet runs: then nothing is
)

// Step is one thing to do.
type Step struct {
	Do      Do
	Service string
	Want    int    // of Scale
	What    string // in words: 3 → 5, env.MODEL changed
}

func (s Step) String() string {
	if s.What == "" {
		return fmt.Sprintf("%s %s", s.Do, s.Service)
	}
	return fmt.Sprintf("%s %s: %s", s.Do, s.Service, s.What)
}

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
	Want    int  // workers
	Leaving bool // it is being removed: what was declared is what it had
	Stale   bool // the program of a worker has changed since it was started
	// Upgrading: a new proxy takes over just now. Only one can at a time.
	Upgrading bool
}

// Make compares what runs with what is to run. Services that come are there before others go.
func Make(now, next fleet.Spec, running map[string]Running) (plan Plan) {
	if now.Name != next.Name {
		plan = append(plan, Step{Do: Refuse, Service: now.Name, What: fmt.Sprintf("the fleet's name is %s in the file: zfleet down, then zfleet up", next.Name)})
	}
	for _, svc := range next.Services {
		switch old, ok := find(now, svc.Name); {
		case !ok:
			plan = append(plan, add(svc, now, next))
		case running[svc.Name].Leaving:
			plan = append(plan, Step{Do: Refuse, Service: svc.Name, What: "it is still being removed: try again when it is gone"})
		default:
			plan = append(plan, compare(old, svc, running[svc.Name])...)
		}
	}
	for _, svc := range now.Services {
		if _, ok := find(next, svc.Name); !ok && !running[svc.Name].Leaving {
			plan = append(plan, Step{Do: Remove, Service: svc.Name})
		}
	}
	return plan
}

// add refuses a service that wants an endpoint of one that is to go, or is still going: requests are answered there until it is gone.
func add(svc fleet.Service, now, next fleet.Spec) Step {
	for _, old := range now.Services {
		if _, stays := find(next, old.Name); stays {
			continue
		}
		if at := shared(svc, old); at != "" {
			what := fmt.Sprintf("%s is %s's until that is gone: remove %s first, and add %s with another reload", at, old.Name, old.Name, svc.Name)
			return Step{Do: Refuse, Service: svc.Name, What: what}
		}
	}
	return Step{Do: Add, Service: svc.Name}
}

// shared is an endpoint of a service that cannot be bound while another has those that it is declared with, "" if there is none.
func shared(a, b fleet.Service) string {
	for _, wanted := range slices.Concat(a.Frontend, a.Backend) {
		for _, had := range slices.Concat(b.Frontend, b.Backend) {
			if clash(wanted, had) {
				return wanted
			}
		}
	}
	return ""
}

// clash: what cannot be read was refused with the file.
func clash(a, b string) bool {
	x, errX := endpoint.Parse(a)
	y, errY := endpoint.Parse(b)
	return errX == nil && errY == nil && x.Clashes(y)
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
	backend := changed(backends(old), backends(svc))
	probes, set := changed(probe(old.Health), probe(svc.Health)), changed(settings(old), settings(svc))
	alive := changed(check("alive", old.Health.Alive), check("alive", svc.Health.Alive))
	if old.Health.Probe != "" || svc.Health.Probe != "" {
		probes = append(probes, alive...)
	} else {
		set = append(set, alive...)
	}
	proxy := slices.Concat(changed(frontends(old), frontends(svc)), backend, changed(delivery(old.Delivery), delivery(svc.Delivery)), probes)
	if now.Upgrading && len(proxy) > 0 {
		return Plan{{Do: Refuse, Service: svc.Name, What: "a new proxy is taking over just now: try again when it has (" + join(proxy) + ")"}}
	}
	add(Proxy, proxy)
	add(Set, set)
	if svc.Workers.Count != now.Want && !svc.Autoscale.On() { // count is where that begins, and no more
		plan = append(plan, Step{Do: Scale, Service: svc.Name, Want: svc.Workers.Count, What: scaling(old, svc, now.Want)})
	}
	changes := append(changed(program(old.Workers), program(svc.Workers)), backend...) // which is where workers connect to
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
