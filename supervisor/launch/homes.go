package launch

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// homes are what is kept for the services that there are. They come and go while lives, and those who ask for a service, look for theirs, so
// there is a lock. Whoever has found one may go on with it when it is closed: then its proxy does not answer.
type homes struct {
	mu     sync.Mutex
	all    []*service
	closed bool
}

// of is the service of that name, or nil.
func (h *homes) of(name string) *service {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.index(name); i >= 0 {
		return h.all[i]
	}
	return nil
}

// list is all that there are now.
func (h *homes) list() []*service {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}

func (h *homes) index(name string) int {
	return slices.IndexFunc(h.all, func(s *service) bool { return s.name == name })
}

// add fails when there is one of that name, and after close.
func (h *homes) add(s *service) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return errors.New("the fleet has ended")
	case h.index(s.name) >= 0:
		return fmt.Errorf("there is a service %s", s.name)
	}
	h.all = append(h.all, s)
	return nil
}

// take forgets the service of that name, and returns it; nil: there is none.
func (h *homes) take(name string) *service {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.index(name)
	if i < 0 {
		return nil
	}
	s := h.all[i]
	h.all = slices.Delete(h.all, i, i+1)
	return s
}

// close closes them all.
func (h *homes) close() (err error) {
	h.mu.Lock()
	all := h.all
	h.all, h.closed = nil, true
	h.mu.Unlock()
	for _, s := range all {
		err = errors.Join(err, s.close())
	}
	return err
}

// holder is the service that listens where the endpoint would be bound, or "".
func (h *homes) holder(e endpoint.Endpoint) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.all {
		if slices.ContainsFunc(s.ports.list(), func(l *endpoint.Listener) bool { return l.Bound().Clashes(e) }) {
			return s.name
		}
	}
	return ""
}

// OpenService binds what a service listens on. A port that is taken is an *endpoint.InUse, or names the service of this fleet that has it.
// See supervisor.Launcher.
func (l *Launcher) OpenService(spec fleet.Service) error {
	if err := l.checkRunDir(spec); err != nil {
		return err
	}
	var none endpoint.PassedSockets
	s, err := l.openService(spec, &none, nil)
	if err != nil {
		return l.ours(err)
	}
	if err := l.homes.add(s); err != nil {
		return errors.Join(fmt.Errorf("cannot open service %s: %w", spec.Name, err), s.close())
	}
	return nil
}

// ours says of a port that is taken whether a service of this fleet has it: to kill that would be no help.
func (l *Launcher) ours(err error) error {
	var taken *endpoint.InUse
	if !errors.As(err, &taken) {
		return err
	}
	if name := l.homes.holder(taken.Endpoint); name != "" {
		return fmt.Errorf("cannot listen on %s: service %s of this fleet does", taken.Endpoint, name)
	}
	return err
}

// CloseService lets go of what a service of which nothing lives had. See supervisor.Launcher.
func (l *Launcher) CloseService(name string) {
	s := l.homes.take(name)
	if s == nil {
		return
	}
	if err := s.close(); err != nil {
		l.opts.Log.Warn().Str("service", name).Err(err).Msg("cannot remove all that the service had")
	}
}
