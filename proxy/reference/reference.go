// Package reference is libzmq's own proxy as an engine: a ROUTER, a DEALER and zmq_proxy(3) between them, through pebbe/zmq4. The
// conformance suite and the benchmark hold zfleet's engine against it. Run is all there is.
//
// It promises what zmq_proxy promises and no more:
//   - a request dies with the worker that holds it, and so do those that were dealt to the same worker and wait behind it;
//   - workers are dealt to in turn, busy or not: a request waits behind a slow worker while others are idle;
//   - clients have no turns: a lone request waits behind another client's flood;
//   - there is no drain, no time limit, no bound on what waits, and no report of any of it;
//   - of two clients that set the same routing id only the first is served;
//   - a reply to a client that does not read is dropped at the high-water mark;
//   - one request that waits while no worker is connected takes a whole core (libzmq issue 4071).
package reference

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pebbe/zmq4"
)

// Options is what a caller may want beside the two ports.
type Options struct {
	// Bound is told the endpoints as bound, in the order given and with the ports that the kernel gave, before anything is forwarded.
	Bound func(frontend, backend []string)
}

// Run binds a ROUTER to every frontend endpoint and a DEALER to every backend endpoint and forwards between them until ctx is done,
// which is a nil error. The endpoints are libzmq's: tcp://127.0.0.1:* and ipc:///run/x.sock among them. What is under way when ctx ends
// is lost. The error is that of a port that could not be bound, or of the proxy when it ended by itself.
func Run(ctx context.Context, frontend, backend []string, opts Options) error {
	zctx, err := zmq4.NewContext()
	if err != nil {
		return fmt.Errorf("cannot start libzmq: %w", err)
	}
	router, fe, err := listen(zctx, zmq4.ROUTER, frontend)
	if err != nil {
		return errors.Join(err, zctx.Term())
	}
	dealer, be, err := listen(zctx, zmq4.DEALER, backend)
	if err != nil {
		return errors.Join(err, router.Close(), zctx.Term())
	}
	if opts.Bound != nil {
		opts.Bound(fe, be)
	}
	return forward(ctx, zctx, router, dealer)
}

// forward runs the proxy and takes everything down. Only Term may be called beside a running zmq_proxy: it makes that return ETERM, and
// comes back itself when both sockets are closed (zmq_ctx_term(3)). It must not run beside NewSocket, which reads what it writes.
func forward(ctx context.Context, zctx *zmq4.Context, router, dealer *zmq4.Socket) error {
	terminated := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { terminated <- zctx.Term() })
	err := zmq4.Proxy(router, dealer, nil)
	closed := errors.Join(router.Close(), dealer.Close())
	if stop() {
		return errors.Join(fmt.Errorf("zmq_proxy ended by itself: %w", err), closed, zctx.Term())
	}
	return errors.Join(closed, <-terminated)
}

// listen makes one socket and binds it everywhere. The returned endpoints are those that libzmq reports.
func listen(zctx *zmq4.Context, kind zmq4.Type, endpoints []string) (*zmq4.Socket, []string, error) {
	soc, err := zctx.NewSocket(kind)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a %v socket: %w", kind, err)
	}
	bound, err := bind(soc, endpoints)
	if err != nil {
		return nil, nil, errors.Join(err, soc.Close())
	}
	return soc, bound, nil
}

func bind(soc *zmq4.Socket, endpoints []string) ([]string, error) {
	if err := soc.SetLinger(0); err != nil { // or Term would wait for peers that do not read
		return nil, fmt.Errorf("cannot set ZMQ_LINGER: %w", err)
	}
	var bound []string
	for _, ep := range endpoints {
		// libzmq takes an address in brackets only with ZMQ_IPV6, and with it binds * to IPv6 too.
		if err := soc.SetIpv6(strings.Contains(ep, "[")); err != nil {
			return nil, fmt.Errorf("cannot set ZMQ_IPV6 for %s: %w", ep, err)
		}
		if err := soc.Bind(ep); err != nil {
			return nil, fmt.Errorf("cannot listen on %s: %w", ep, err)
		}
		last, err := soc.GetLastEndpoint()
		if err != nil {
			return nil, fmt.Errorf("cannot learn what %s was bound to: %w", ep, err)
		}
		bound = append(bound, last)
	}
	return bound, nil
}
