package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/control"
)

// ports are a proxy's listeners.
type ports struct {
	frontend, backend []*endpoint.Listener

	handed *handedPorts // of the proxy that is taken over from; nil: there is none
	ending sync.Once
}

// abandon is close for a proxy whose ports nobody will have: socket files go too, whoever made them.
func (p *ports) abandon() error {
	for _, ln := range slices.Concat(p.frontend, p.backend) {
		ln.Own()
	}
	return p.close()
}

// openPorts gives the listeners of all endpoints: those that a supervisor holds, those of a proxy that is taken over from, and the others
// bound here.
func openPorts(frontend, backend []string, handed *handedPorts) (*ports, error) {
	p := &ports{handed: handed}
	inherited, err := inheritedListeners(os.Getenv(control.EnvListeners))
	if err == nil {
		p.frontend, err = inherited.listen(frontendPort, frontend, handed)
	}
	if err == nil {
		p.backend, err = inherited.listen(backendPort, backend, handed)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// close closes all for good, but for what is another proxy's still. Any goroutine may call it, more than once.
func (p *ports) close() error {
	return p.end(func(ln *endpoint.Listener) error {
		if p.handed.owns(ln) {
			return ln.Leave()
		}
		return ln.Close()
	})
}

// leave closes all here, for they are another process's by now. After it, or after close, neither does anything.
func (p *ports) leave() error { return p.end((*endpoint.Listener).Leave) }

func (p *ports) end(how func(*endpoint.Listener) error) (err error) {
	p.ending.Do(func() {
		for _, ln := range slices.Concat(p.frontend, p.backend, p.handed.rest()) {
			err = errors.Join(err, how(ln))
		}
	})
	return err
}

// listen gives the listeners of a port, also those that there are before an error.
func (i inheritance) listen(port string, endpoints []string, handed *handedPorts) (listeners []*endpoint.Listener, err error) {
	if len(i) > 0 && len(i[port]) != len(endpoints) {
		return nil, fmt.Errorf("cannot use %s: it has %d for %s, and there are %d endpoints",
			control.EnvListeners, len(i[port]), port, len(endpoints))
	}
	for n, text := range endpoints {
		ln, err := i.listenOne(port, n, text, handed)
		if err != nil {
			return listeners, err
		}
		listeners = append(listeners, ln)
	}
	return listeners, nil
}

func (i inheritance) listenOne(port string, n int, text string, handed *handedPorts) (*endpoint.Listener, error) {
	ep, err := endpoint.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(i) > 0 {
		return endpoint.FromFD(ep, i[port][n])
	}
	if ln := handed.take(port, ep); ln != nil {
		return ln, nil
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
