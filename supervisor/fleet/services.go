package fleet

import "slices"

// Services come and go while the others serve on. One that is removed ends as a whole fleet does, and is forgotten with its last process.

func (f *Fleet) added(ev Added) {
	if f.stopping || f.service(ev.Service.Name) != nil {
		return
	}
	lives := f.former[ev.Service.Name]
	if lives == nil {
		lives = make(map[int]int)
	}
	svc := newService(ev.Service, lives)
	f.services = slices.Insert(f.services, min(max(ev.At, 0), len(f.Services())), svc)
	f.open(svc, "the service is added")
}

func (f *Fleet) removed(name string) {
	svc := f.service(name)
	if svc == nil || svc.removed {
		return
	}
	svc.removed = true
	f.services = append(slices.DeleteFunc(f.services, func(s *service) bool { return s == svc }), svc)
	f.drain(svc, "the service is removed")
}

// forget ends the removal of services of which nothing is left.
func (f *Fleet) forget() {
	for _, svc := range slices.Clone(f.services) {
		if svc.removed && !slices.ContainsFunc(svc.all(), func(s *slot) bool { return s.state.alive() }) {
			f.former[svc.Name] = svc.lives
			f.services = slices.DeleteFunc(f.services, func(s *service) bool { return s == svc })
			f.act(Gone{Service: svc.Name})
		}
	}
}
