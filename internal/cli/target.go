package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/endpoint"
)

// target is where a client command connects: an endpoint, or the frontend of a service that runs.
type target struct {
	name string // as the command was given it
	endpoint.Endpoint
}

// target reads the argument ENDPOINT|SERVICE. What has :// in it is an endpoint.
func (w *where) target(ctx context.Context, ui *tui, arg string) (target, error) {
	if strings.Contains(arg, "://") {
		ep, err := endpoint.Parse(arg)
		if err == nil && ep.Transport == endpoint.TCP && ep.Port == 0 {
			err = fmt.Errorf("endpoint %q has no port to connect to", arg)
		}
		if err != nil {
			return target{}, &usageError{err.Error(), "zfleet ps shows where the services of a fleet are"}
		}
		return target{arg, ep.Connect()}, nil
	}
	client, err := w.client(ctx, ui)
	if err != nil {
		return target{}, err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return target{}, err
	}
	return frontendOf(status, arg)
}

// frontendOf is where a service takes requests.
func frontendOf(status admin.Status, name string) (target, error) {
	if err := declared(status, name); err != nil {
		return target{}, err
	}
	svc := serviceIn(status, name)
	if svc.Bound == nil || len(svc.Bound.Frontend) == 0 {
		return target{}, &noAnswer{fmt.Sprintf("cannot connect to %s: its proxy is %s", name, inWords(svc.Proxy.State)), "zfleet ps"}
	}
	ep, err := endpoint.Parse(svc.Bound.Frontend[0])
	return target{name, ep.Connect()}, err
}

// reach says early what a socket of libzmq keeps to itself: that nobody listens.
func (t target) reach(ctx context.Context, patience time.Duration) error {
	ctx, cancel := within(ctx, patience)
	defer cancel()
	network, address := "unix", t.Path
	if t.Transport == endpoint.TCP {
		network, address = "tcp", strings.TrimPrefix(t.String(), "tcp://")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		return conn.Close()
	}
	why := err.Error()
	var number syscall.Errno
	if errors.As(err, &number) {
		why = number.Error()
	}
	return &noAnswer{fmt.Sprintf("cannot connect to %s: %s", t.Endpoint, why), "zfleet ps shows where the services of a fleet are; zfleet up starts it"}
}

// noAnswer is a service that cannot be reached.
type noAnswer struct{ text, hint string }

func (e *noAnswer) Error() string { return e.text }

func (e *noAnswer) Hint() string { return e.hint }
