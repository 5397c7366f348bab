package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

type viewRequest struct{ reply chan fleet.View }

// View is the fleet as its core sees it now. It fails when ctx or the fleet ends first.
func (s *Supervisor) View(ctx context.Context) (fleet.View, error) {
	r := &viewRequest{reply: make(chan fleet.View, 1)}
	view, err := ask(ctx, s, r, r.reply)
	if err != nil {
		return fleet.View{}, fmt.Errorf("cannot view the fleet: %w", err)
	}
	return view, nil
}

// Shutdown asks for the fleet's end and returns at once: drained, or killed when now is true or when it is not the first time. Run returns
// when that is done. By is who asks, for event streams.
func (s *Supervisor) Shutdown(now bool, by string) { s.mail.put(fleet.ShutdownAsked{Now: now, By: by}) }

// ask puts a request and waits for its answer, for the caller to give up or for the fleet's end. Reply has room for one, so that the loop
// never waits.
func ask[T any](ctx context.Context, s *Supervisor, request any, reply <-chan T) (answer T, err error) {
	s.mail.put(request)
	select {
	case answer = <-reply:
		return answer, nil
	case <-ctx.Done():
		return answer, ctx.Err()
	case <-s.done:
	}
	select {
	case answer = <-reply: // it came with the end
		return answer, nil
	default:
		return answer, ErrEnded
	}
}

// find is the service of that name, or the first for "".
func (s *Supervisor) find(name string) (fleet.Service, error) {
	services := *s.services.Load()
	known := make([]string, 0, len(services))
	for _, svc := range services {
		if svc.Name == name || name == "" {
			return svc, nil
		}
		known = append(known, svc.Name)
	}
	if len(known) == 0 {
		return fleet.Service{}, errors.New("this fleet has no services")
	}
	return fleet.Service{}, fmt.Errorf("this fleet has no service %q, it has %s", name, strings.Join(known, ", "))
}

// spec is the service of that name, of which the core has told. It is the loop's.
func (s *Supervisor) spec(name string) fleet.Service {
	svc, _ := s.fleet.Declared(name) // the core knows no others
	return svc
}

// Services is what is declared now, in the file's order.
func (s *Supervisor) Services() []fleet.Service { return *s.services.Load() }

// errRemoved is the answer to who asks of a service that a reload has removed meanwhile.
var errRemoved = errors.New("the service is removed")

// isRemoved says whether a service is on its way out, or is gone.
func isRemoved(view fleet.ServiceView) bool { return view.Name == "" || view.Leaving }

func viewOf(view fleet.View, name string) (of fleet.ServiceView) {
	for _, svc := range view.Services {
		if svc.Name == name {
			return svc
		}
	}
	return of
}
