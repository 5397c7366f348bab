package cli

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
)

const watchEvery = time.Second

type ps struct {
	ui    *tui
	where where
	out   *output
	watch bool
}

func newPsCommand(ui *tui) *cobra.Command {
	p := &ps{ui: ui}
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "Show the services and workers of the fleet",
		Long: `Show the services and workers of the fleet.

A worker is pending (waits for its turn to start), starting, ready, unready (runs and takes no requests),
draining, stopping, stopped (starting it again cannot help), in backoff (starts again soon) or in crashloop
(fails again and again). Foreign workers connected by themselves: zfleet did not start them.`,
		Example: "  zfleet ps\n  zfleet ps -o json | jq '.services[].ready'\n  zfleet ps --watch",
		Args:    atMost(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.run(cmd.Context()) },
	}
	p.where.flags(cmd)
	p.out = newOutput(cmd, "table")
	cmd.Flags().BoolVarP(&p.watch, "watch", "w", false, "show it every second until interrupted; in JSON, one object a line")
	return cmd
}

func (p *ps) run(ctx context.Context) error {
	client, err := p.where.client(ctx, p.ui)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		status, err := client.Status(ctx)
		if err != nil {
			return err
		}
		p.show(status, first)
		if !p.watch {
			return nil
		}
		time.Sleep(watchEvery)
	}
}

func (p *ps) show(status admin.Status, first bool) {
	switch {
	case p.out.json() && p.watch:
		_ = json.NewEncoder(p.ui.out).Encode(status)
	case p.out.json():
		p.ui.printf("%s", indented(status))
	default:
		p.separate(first)
		p.ui.status(p.ui.out, status, time.Now())
	}
}

// On a terminal every look begins at the top of an empty screen, elsewhere after an empty line.
func (p *ps) separate(first bool) {
	switch {
	case p.watch && isTerminal(p.ui.out):
		p.ui.printf("\x1b[H\x1b[2J")
	case !first:
		p.ui.printf("\n")
	}
}

// status draws a fleet as two tables.
func (ui *tui) status(w io.Writer, status admin.Status, now time.Time) {
	var services, workers [][]cell
	for _, svc := range status.Services {
		services = append(services, serviceRow(svc))
		for _, worker := range svc.Workers {
			workers = append(workers, workerRow(worker, now))
		}
		for _, lane := range svc.Foreign {
			workers = append(workers, foreignRow(svc.Name, lane))
		}
	}
	if status.Stopping {
		ui.printf("fleet %s is ending\n\n", status.Fleet)
	}
	ui.table(w, []string{"SERVICE", "WANT", "READY", "QUEUED", "CLIENTS", "PROXY", "PID", "FRONTEND", "BACKEND"}, services)
	if len(workers) > 0 {
		_, _ = io.WriteString(w, "\n")
		ui.table(w, []string{"WORKER", "STATE", "PID", "SINCE", "RESTARTS", "INFLIGHT", "ANSWERED", "REASON"}, workers)
	}
}

func serviceRow(svc admin.Service) []cell {
	front, back := svc.Frontend, svc.Backend
	if svc.Bound != nil {
		front, back = svc.Bound.Frontend, svc.Bound.Backend
	}
	ready := cell{number(svc.Ready), plain}
	if svc.Ready < svc.Want {
		ready.colour = yellow
	}
	return []cell{
		{text: svc.Name}, {text: number(svc.Want)}, ready, {text: number(svc.Queued)}, {text: number(svc.Clients)},
		stateCell(svc.Proxy.State), {text: pid(svc.Proxy.Pid)}, {text: strings.Join(front, ",")}, {text: strings.Join(back, ",")},
	}
}

func workerRow(w admin.Worker, now time.Time) []cell {
	return []cell{
		{text: w.Name}, stateCell(w.State), {text: pid(w.Pid)}, {text: age(now.Sub(w.Since))}, {text: number(w.Restarts)},
		{text: number(w.Inflight)}, {text: number(w.Answered)}, {text: w.Reason},
	}
}

func foreignRow(service string, lane admin.Lane) []cell {
	return []cell{
		{text: service}, {text: "foreign"}, {text: pid(lane.Pid)}, {}, {},
		{text: number(lane.Inflight)}, {text: number(lane.Answered)}, {text: lane.Peer},
	}
}

func stateCell(state string) cell {
	switch state {
	case "ready":
		return cell{state, green}
	case "unready", "backoff", "draining", "stopping":
		return cell{state, yellow}
	case "crashloop", "stopped", admin.Unresponsive:
		return cell{state, red}
	}
	return cell{state, plain}
}
