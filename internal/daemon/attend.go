package daemon

import (
	"context"
	"sync"
)

// attendants look after the services beside the loop: one decides how many workers each has, another says when it is up. Services come and go
// while they are asked what they know, so there is a lock.
type attendants struct {
	busy sync.WaitGroup

	mu  sync.Mutex
	ctx context.Context // of all; nil before begin: then nobody is looked after yet
	of  map[string]attendant
}

type attendant struct {
	autoscaler *autoscaler
	end        context.CancelFunc
}

// begin looks after the services that there are, until ctx ends.
func (a *attendants) begin(ctx context.Context, d *Daemon) {
	a.mu.Lock()
	a.ctx, a.of = ctx, map[string]attendant{}
	a.mu.Unlock()
	for _, name := range d.names() {
		a.add(d, name)
	}
}

func (a *attendants) add(d *Daemon, service string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, end := context.WithCancel(a.ctx)
	scaler := &autoscaler{Daemon: d, service: service}
	a.of[service] = attendant{scaler, end}
	a.busy.Go(func() { d.announce(ctx, service) })
	a.busy.Go(func() { scaler.run(ctx) })
}

// drop looks after a service no more.
func (a *attendants) drop(service string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if of, ok := a.of[service]; ok {
		of.end()
		delete(a.of, service)
	}
}

// scaled is what autoscaling of a service came to last; nil: nothing yet.
func (a *attendants) scaled(service string) *autoscaled {
	a.mu.Lock()
	defer a.mu.Unlock()
	if of, ok := a.of[service]; ok {
		return of.autoscaler.shown.Load()
	}
	return nil
}

// wait returns when ctx has ended and all of them have.
func (a *attendants) wait() { a.busy.Wait() }
