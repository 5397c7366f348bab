package launch

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// ports are a service's listeners. While a proxy takes over that has others than the one before it, there are those of both; each proxy gets
// what its declaration names. Processes start while ports are opened, so there is a lock.
type ports struct {
	mu  sync.Mutex
	all []port
}

type port struct {
	kind string // control.Frontend or control.Backend
	as   string // the endpoint as it is declared
	*endpoint.Listener
}

// of are the listeners of a kind that are declared so, in that order. What is declared twice, as any free port, is two.
func (p *ports) of(kind string, declared []string) (listeners []*endpoint.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := slices.Clone(p.all)
	for _, as := range declared {
		if i := slices.IndexFunc(left, func(p port) bool { return p.kind == kind && p.as == as }); i >= 0 {
			listeners = append(listeners, left[i].Listener)
			left = slices.Delete(left, i, i+1)
		}
	}
	return listeners
}

// add has listeners that are declared so.
func (p *ports) add(kind string, declared []string, listeners []*endpoint.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, l := range listeners {
		_ = l.File() // is made by whoever asks first, who must be alone
		p.all = append(p.all, port{kind, declared[i], l})
	}
}

// lacks are the endpoints for which there is no listener.
func (p *ports) lacks(kind string, declared []string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := slices.Clone(p.all)
	return slices.DeleteFunc(slices.Clone(declared), func(as string) bool {
		i := slices.IndexFunc(left, func(p port) bool { return p.kind == kind && p.as == as })
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		return i >= 0
	})
}

// keep closes what a declaration does not name.
func (p *ports) keep(svc fleet.Service) (err error) {
	named := slices.Concat(p.of(control.Frontend, svc.Frontend), p.of(control.Backend, svc.Backend))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = slices.DeleteFunc(p.all, func(l port) bool {
		if slices.Contains(named, l.Listener) {
			return false
		}
		err = errors.Join(err, l.Close())
		return true
	})
	return err
}

// list is all that there are.
func (p *ports) list() (listeners []*endpoint.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.all {
		listeners = append(listeners, l.Listener)
	}
	return listeners
}

func (p *ports) close() error { return p.keep(fleet.Service{}) }

// open binds what the service lacks of what is declared, or nothing. Some may be passed, others may be those of an orphan.
func (p *ports) open(svc fleet.Service, orphan *Orphan, passed *endpoint.PassedSockets) error {
	front, back := p.lacks(control.Frontend, svc.Frontend), p.lacks(control.Backend, svc.Backend)
	frontend, err := listen(control.Frontend, front, orphan, passed)
	if err != nil {
		return err
	}
	backend, err := listen(control.Backend, back, orphan, passed)
	if err != nil {
		return errors.Join(err, closeAll(frontend))
	}
	p.add(control.Frontend, front, frontend)
	p.add(control.Backend, back, backend)
	return nil
}

// inherited is the listeners as files for a proxy, and the words that say which descriptor is which: frontend=3 backend=4.
func (p *ports) inherited(svc fleet.Service) (files []*os.File, words string) {
	var all []string
	add := func(kind string, listeners []*endpoint.Listener) {
		for _, l := range listeners {
			all = append(all, fmt.Sprintf("%s=%d", kind, firstExtraFile+len(files)))
			files = append(files, l.File())
		}
	}
	add(control.Frontend, p.of(control.Frontend, svc.Frontend))
	add(control.Backend, p.of(control.Backend, svc.Backend))
	return files, strings.Join(all, " ")
}

// connect is the one endpoint that workers connect to: a second would be a second connection of the same REP socket to the same proxy.
// Of several, ipc is cheapest, and the kernel says who is at the other end.
func (p *ports) connect(svc fleet.Service) string {
	backend := p.of(control.Backend, svc.Backend)
	if len(backend) == 0 {
		return ""
	}
	i := slices.IndexFunc(backend, func(l *endpoint.Listener) bool { return l.Bound().Transport == endpoint.IPC })
	return backend[max(i, 0)].Bound().Connect().String()
}

// OpenPorts binds what a service that runs is to listen on and does not yet. See supervisor.Launcher.
func (l *Launcher) OpenPorts(svc fleet.Service) error {
	s := l.homes.of(svc.Name)
	if s == nil {
		return fmt.Errorf("cannot open the ports of %s: there is no such service", svc.Name)
	}
	var none endpoint.PassedSockets
	return l.ours(s.ports.open(svc, nil, &none))
}

// ClosePorts lets go of what a service that runs listens on beside what is declared. See supervisor.Launcher.
func (l *Launcher) ClosePorts(svc fleet.Service) {
	s := l.homes.of(svc.Name)
	if s == nil {
		return
	}
	if err := s.ports.keep(svc); err != nil {
		l.opts.Log.Warn().Str("service", svc.Name).Err(err).Msg("cannot close a port that the service has no more")
	}
}
