package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// inflightTimeout bounds how long scaling down waits to learn who is idle.
const inflightTimeout = time.Second

// mostWorkers is the most that Scale gives a service without a max of its own: a slip of the finger must not fill the machine's memory.
const mostWorkers = 10_000

type scaleRequest struct {
	ctx      context.Context
	svc      fleet.Service
	by       string
	change   func(want int) int
	auto     string // why autoscaling wants it; "": an operator does
	observed bool   // what the workers hold has been asked
	reply    chan scaleReply
}

type scaleReply struct {
	want int
	err  error
}

// observation is what the workers of a service hold; nil when that could not be learned in time.
type observation struct {
	service  string
	inflight map[fleet.Life]int
}

// Scale changes how many workers a service wants ("": the first service) and returns how many it wants now, without waiting for them: that
// is Settled's. Change is given the current number; it is called by the loop, maybe more than once, and must do nothing else. By is who asks, for
// event streams.
//
// Requests for one service are carried out in the order of their coming. A number outside the service's min and max is an error that names
// the bound. When ctx ends first the request is dropped if it has not been carried out.
func (s *Supervisor) Scale(ctx context.Context, service, by string, change func(want int) int) (want int, err error) {
	svc, err := s.find(service)
	if err != nil {
		return 0, fmt.Errorf("cannot scale: %v", err)
	}
	return s.askScale(ctx, &scaleRequest{ctx: ctx, svc: svc, by: by, change: change, reply: make(chan scaleReply, 1)})
}

func (s *Supervisor) askScale(ctx context.Context, r *scaleRequest) (want int, err error) {
	answer, err := ask(ctx, s, r, r.reply)
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return 0, fmt.Errorf("cannot scale %s: %w", r.svc.Name, err)
	}
	return answer.want, nil
}

// scale queues a request behind those for the same service.
func (s *Supervisor) scale(r *scaleRequest) {
	name := r.svc.Name
	s.scales[name] = append(s.scales[name], r)
	if len(s.scales[name]) == 1 {
		s.scaleQueued(name)
	}
}

// scaleQueued carries out what is queued for a service, until something has to be learned first.
func (s *Supervisor) scaleQueued(name string) {
	for len(s.scales[name]) > 0 {
		r := s.scales[name][0]
		view := s.fleet.View()
		want, down, err := r.decide(view, s.spec(name))
		if err == nil && down && !r.observed {
			go s.observe(r.svc)
			return
		}
		switch now := viewOf(view, name); {
		case err != nil:
		case r.auto != "" && (now.Auto.Held || !now.Auto.On()): // nothing happens, so there is no event
			want = now.Want
		default:
			s.step(r.event(want))
		}
		s.scales[name] = s.scales[name][1:]
		r.reply <- scaleReply{want, err}
	}
	delete(s.scales, name)
}

func (r *scaleRequest) event(want int) fleet.Event {
	if r.auto != "" {
		return fleet.AutoScaled{Service: r.svc.Name, Want: want, Reason: r.auto}
	}
	return fleet.Scaled{Service: r.svc.Name, Want: want, By: r.by}
}

// decide says how many workers to want, and whether some have to go for it.
func (r *scaleRequest) decide(view fleet.View, svc fleet.Service) (want int, down bool, err error) {
	if err := r.ctx.Err(); err != nil {
		return 0, false, err
	}
	if view.Stopping {
		return 0, false, errors.New("the fleet is shutting down")
	}
	now := viewOf(view, r.svc.Name)
	if isRemoved(now) {
		return 0, false, errRemoved
	}
	want = r.change(now.Want)
	return want, want < now.Want, bounded(svc, want)
}

func bounded(svc fleet.Service, want int) error {
	least, most := svc.Workers.Min, svc.Workers.Max
	switch {
	case want < least:
		return fmt.Errorf("%d workers are too few, [service.%s.workers] min is %d", want, svc.Name, least)
	case most > 0 && want > most:
		return fmt.Errorf("%d workers are too many, [service.%s.workers] max is %d", want, svc.Name, most)
	case most == 0 && want > mostWorkers:
		return fmt.Errorf("%d workers are too many, without [service.%s.workers] max it is %d", want, svc.Name, mostWorkers)
	default:
		return nil
	}
}

// observe is a goroutine that asks the launcher what the workers hold. It ends with the answer, or when that takes too long.
func (s *Supervisor) observe(svc fleet.Service) {
	held := make(chan map[fleet.Life]int, 1)
	go func() { held <- s.launcher.Inflight(svc) }()
	seen := &observation{service: svc.Name}
	select {
	case seen.inflight = <-held:
	case <-time.After(inflightTimeout):
	}
	s.mail.put(seen)
}

// seen is good for all who wait for it: asking a proxy that does not answer once for each would take very long.
func (s *Supervisor) seen(o *observation) {
	s.step(fleet.Observed{Service: o.service, Inflight: o.inflight})
	for _, r := range s.scales[o.service] {
		r.observed = true
	}
	s.scaleQueued(o.service)
}
