package daemon

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/internal/workerlog"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

const (
	sweepEvery = time.Hour
	// mostUnused is how many logs are kept at most of workers that there are not: somebody may scale up and down by thousands.
	mostUnused = 100
)

// sweep removes what is kept of workers and services that there are not any more, when it has been of no use for so long, until ctx ends.
func (d *Daemon) sweep(ctx context.Context, keep time.Duration) {
	for {
		if view, err := d.supervisor.View(ctx); err == nil && !view.Stopping {
			d.sweepUnused(view, time.Now().Add(-keep))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery):
		}
	}
}

func (d *Daemon) sweepUnused(view fleet.View, before time.Time) {
	services, slots := inUse(view)
	written := func(slot string) bool { return slots[slot] && d.file.Log.Keep > 0 } // else what is there is from before
	logs, err := workerlog.Sweep(d.me.State, written, before, mostUnused)
	letters, deadErr := dead.Sweep(d.me.State, func(service string) bool { return services[service] }, before)
	if len(logs) > 0 {
		d.log.Info().Msgf("logs of workers that there are not any more are removed: %s", strings.Join(logs, ", "))
	}
	if len(letters) > 0 {
		d.log.Info().Msgf("dead letters of services that there are not any more are removed: %s", strings.Join(letters, ", "))
	}
	if err := errors.Join(err, deadErr); err != nil {
		d.log.Warn().Err(err).Msg("cannot remove all that is of no use any more")
	}
}

// inUse is the services that there are, and their slots, hello/3 and hello/proxy.
func inUse(view fleet.View) (services, slots map[string]bool) {
	services, slots = map[string]bool{}, map[string]bool{}
	for _, svc := range view.Services {
		services[svc.Name] = true
		for _, s := range append(svc.Workers, svc.Proxy) {
			slots[s.Life.Service+"/"+s.Life.Place()] = true
		}
	}
	return services, slots
}
