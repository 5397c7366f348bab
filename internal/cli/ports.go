package cli

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/control"
)

// ports are a proxy's listeners.
type ports struct {
	frontend, backend []*endpoint.Listener
	close             func() error // any goroutine may call it, more than once
}

// openPorts gives the listeners of all endpoints: those that a supervisor holds, or without one bound here.
func openPorts(frontend, backend []string) (*ports, error) {
	p := &ports{}
	p.close = sync.OnceValue(func() error { return errors.Join(closeAll(p.frontend), closeAll(p.backend)) })
	inherited, err := inheritedListeners(os.Getenv(control.EnvListeners))
	if err != nil {
		return nil, err
	}
	if p.frontend, err = inherited.listen(frontendPort, frontend); err == nil {
		p.backend, err = inherited.listen(backendPort, backend)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// listen gives the listeners of a port, also those that there are before an error.
func (i inheritance) listen(port string, endpoints []string) (listeners []*endpoint.Listener, err error) {
	if len(i) > 0 && len(i[port]) != len(endpoints) {
		return nil, fmt.Errorf("cannot use %s: it has %d for %s, and there are %d endpoints",
			control.EnvListeners, len(i[port]), port, len(endpoints))
	}
	for n, text := range endpoints {
		ln, err := i.listenOne(port, n, text)
		if err != nil {
			return listeners, err
		}
		listeners = append(listeners, ln)
	}
	return listeners, nil
}

func (i inheritance) listenOne(port string, n int, text string) (*endpoint.Listener, error) {
	ep, err := endpoint.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(i) > 0 {
		return endpoint.FromFD(ep, i[port][n])
	}
	return ep.Listen()
}

// bound is the endpoints with the ports that the kernel gave.
func bound(listeners []*endpoint.Listener) (names []string) {
	for _, ln := range listeners {
		names = append(names, ln.Bound().String())
	}
	return names
}

func closeAll(listeners []*endpoint.Listener) (err error) {
	for _, ln := range listeners {
		err = errors.Join(err, ln.Close())
	}
	return err
}
