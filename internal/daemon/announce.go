package daemon

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/endpoint"
)

// announceAgain is how long after a failure it is looked again whether a service has come up.
const announceAgain = 2 * time.Second

// announce logs where clients and workers connect when a service is up. One that cannot come up may be mended: then that is worth the line too.
func (d *Daemon) announce(ctx context.Context, name string) {
	for {
		status, err := d.Settled(ctx, name)
		if err == nil {
			d.isUp(serviceIn(status, name))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(announceAgain):
		}
	}
}

func serviceIn(status admin.Status, name string) admin.Service {
	for _, svc := range status.Services {
		if svc.Name == name {
			return svc
		}
	}
	return admin.Service{Name: name}
}

func (d *Daemon) isUp(svc admin.Service) {
	line := d.log.Info().Str("service", svc.Name).Int("ready", svc.Ready)
	if svc.Bound == nil { // its proxy did not answer just now
		d.recorder.up(svc.Name, "")
		line.Msgf("%s is up", svc.Name)
		return
	}
	clients, workers := Connectable(*svc.Bound)
	d.recorder.up(svc.Name, fmt.Sprintf("clients connect to %s, workers to %s", clients, workers))
	line.Str("frontend", clients).Str("backend", workers).
		Msgf("%s is up: clients connect to %s, workers to %s", svc.Name, clients, workers)
}

// Connectable tells what to write into clients and workers on this machine.
func Connectable(b admin.Bound) (clients, workers string) {
	return connectAll(b.Frontend), connectAll(b.Backend)
}

// connectAll: nobody can connect to tcp://*:5559.
func connectAll(bound []string) string {
	var all []string
	for _, text := range bound {
		if ep, err := endpoint.Parse(text); err == nil {
			text = ep.Connect().String()
		}
		all = append(all, text)
	}
	return strings.Join(all, " or ")
}
