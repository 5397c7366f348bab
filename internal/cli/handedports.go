package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/internal/passfd"
	"github.com/zfleet/zfleet/proxy/control"
)

// handedPorts are the listeners of a proxy that is taken over from: duplicates, whose files stay that one's until it has handed over.
type handedPorts struct {
	unused map[string][]*endpoint.Listener // that no endpoint has taken, by port
	used   []*endpoint.Listener
	ours   bool
}

// takePorts gets the listeners of the proxy whose control socket is at path.
func takePorts(ctx context.Context, path string) (*handedPorts, error) {
	client := control.Dial(path)
	defer client.Close()
	all, err := client.Listeners(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot take over from the proxy at %s: %w", path, err)
	}
	h := &handedPorts{unused: map[string][]*endpoint.Listener{}}
	for i, l := range all {
		ln, err := l.Open(l.FD)
		if err != nil {
			for _, left := range all[i:] {
				passfd.CloseAll([]int{left.FD})
			}
			return nil, errors.Join(err, h.drop((*endpoint.Listener).Leave))
		}
		h.unused[l.Port] = append(h.unused[l.Port], ln)
	}
	return h, nil
}

// take gives the listener of an endpoint that the other proxy has too: asked for in the same words, or bound there.
func (h *handedPorts) take(port string, ep endpoint.Endpoint) *endpoint.Listener {
	if h == nil {
		return nil
	}
	i := slices.IndexFunc(h.unused[port], func(ln *endpoint.Listener) bool { return ln.Handed().Asked == ep || ln.Bound() == ep })
	if i < 0 {
		return nil
	}
	ln := h.unused[port][i]
	h.unused[port] = slices.Delete(h.unused[port], i, i+1)
	h.used = append(h.used, ln)
	return ln
}

// owns says that a listener's files are the other proxy's still.
func (h *handedPorts) owns(ln *endpoint.Listener) bool {
	return h != nil && !h.ours && (slices.Contains(h.used, ln) || slices.Contains(h.rest(), ln))
}

// rest is those that no endpoint has taken.
func (h *handedPorts) rest() []*endpoint.Listener {
	if h == nil {
		return nil
	}
	return slices.Concat(h.unused[frontendPort], h.unused[backendPort])
}

// drop closes those that no endpoint has taken.
func (h *handedPorts) drop(how func(*endpoint.Listener) error) (err error) {
	for _, ln := range h.rest() {
		err = errors.Join(err, how(ln))
	}
	clear(h.unused)
	return err
}

// taken says that the hand-over is done: nobody listens any more where no flag says so. A supervisor may have given the same socket.
func (p *ports) taken() error {
	p.handed.ours = true
	return p.handed.drop(func(ln *endpoint.Listener) error {
		if slices.ContainsFunc(slices.Concat(p.frontend, p.backend), func(o *endpoint.Listener) bool { return o.Bound() == ln.Bound() }) {
			return ln.Leave()
		}
		return ln.Close()
	})
}
