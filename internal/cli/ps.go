package cli

import (
	"context"
	"encoding/json"
	"fmt"
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
(fails again and again). Foreign workers connected by themselves: zfleet did not start them. One that is
stuck hangs, and gets no requests until it has answered those that it had; one that is ejected is far slower
than others, or fails, and gets none for a while. A worker of the fleet that is ejected says so as its reason.
While a worker is replaced its slot has two. One whose program has changed on disk is stale: zfleet restart
brings the new one.`,
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
			workers = append(workers, foreignRow(svc.Name, lane, now))
		}
	}
	if status.Stopping {
		ui.printf("fleet %s is ending\n\n", status.Fleet)
	}
	ui.table(w, []string{"SERVICE", "WANT", "READY", "QUEUED", "CLIENTS", "PROXY", "PID", "FRONTEND", "BACKEND"}, services)
	for _, svc := range status.Services {
		ui.rollLine(w, svc.Roll)
		if svc.Leaving {
			_, _ = fmt.Fprintf(w, "\n%s is being removed: it ends when the requests that it has are answered\n", svc.Name)
		}
		for _, line := range proxyLines(svc, status.Supervisor) {
			_, _ = fmt.Fprintf(w, "\n%s\n", field(line))
		}
		if svc.Degraded != "" {
			_, _ = fmt.Fprintf(w, "\n%s\n", ui.paint(w, red, field(svc.Name+" is degraded: "+svc.Degraded)))
		}
		ui.autoscaleLine(w, svc, now)
	}
	if len(workers) > 0 {
		_, _ = io.WriteString(w, "\n")
		ui.table(w, []string{"WORKER", "STATE", "PID", "SINCE", "RESTARTS", "INFLIGHT", "ANSWERED", "REASON"}, workers)
	}
}

// proxyLines tells what an operator may want to do something about: a proxy of another version than the supervisor's or the one on disk, and an
// upgrade that failed.
func proxyLines(svc admin.Service, supervisor *admin.Supervisor) (lines []string) {
	if supervisor != nil && svc.Proxy.Version != "" && svc.Proxy.Version != supervisor.Version {
		lines = append(lines, fmt.Sprintf("%s: its proxy is of version %s, the supervisor of %s", svc.Name, svc.Proxy.Version, supervisor.Version))
	}
	if svc.Proxy.Stale {
		lines = append(lines, fmt.Sprintf("%s: its proxy is stale, zfleet has changed on disk since it was started: zfleet upgrade %[1]s", svc.Name))
	}
	switch u := svc.Upgrade; {
	case u == nil:
	case u.State == admin.UpgradeUpgrading:
		lines = append(lines, svc.Name+": a new proxy takes over")
	case u.State == admin.UpgradeFailed:
		lines = append(lines, fmt.Sprintf("%s: no new proxy has taken over, the old one serves on: %s", svc.Name, u.Reason))
	}
	return lines
}

// rollLine tells of a rolling restart that is not over.
func (ui *tui) rollLine(w io.Writer, roll *admin.Roll) {
	switch {
	case roll == nil:
	case roll.State == admin.RollRolling:
		_, _ = fmt.Fprintf(w, "\n%s restarts: %d of %s replaced\n", roll.Service, roll.Done, count(roll.Of, "worker"))
	case roll.State == admin.RollFrozen:
		text := fmt.Sprintf("%s: its restart is frozen, %d of %s replaced: %s", roll.Service, roll.Done, count(roll.Of, "worker"), roll.Reason)
		_, _ = fmt.Fprintf(w, "\n%s\nhint: %s\n", ui.paint(w, red, field(text)), (&frozenError{*roll}).Hint())
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
		{text: number(w.Inflight)}, {text: number(w.Answered)}, {text: remark(w, now)},
	}
}

// remark is what there is to say of a worker beside its numbers.
func remark(w admin.Worker, now time.Time) string {
	var all []string
	if w.Replaces != "" {
		all = append(all, "to replace "+w.Replaces)
	}
	if w.Reason != "" {
		all = append(all, w.Reason)
	}
	if w.Ejected != nil {
		all = append(all, ejected(*w.Ejected, now))
	} else if w.Doubtful {
		all = append(all, doubtful)
	}
	if w.Stale {
		all = append(all, "stale: its program has changed since it was started")
	}
	return strings.Join(all, "; ")
}

const doubtful = "doubtful: it fails or is slow, and gets what others have no room for"

// ejected says why a worker gets no requests, and for how long.
func ejected(e admin.Ejected, now time.Time) string {
	return fmt.Sprintf("gets no requests for %s: %s", age(e.Until.Sub(now)), e.Reason)
}

func foreignRow(service string, lane admin.Lane, now time.Time) []cell {
	state, note := cell{text: "foreign"}, lane.Peer
	if lane.Stuck != "" {
		state, note = stateCell(admin.Stuck), note+": "+lane.Stuck
	} else if lane.Ejected != nil {
		state, note = stateCell(admin.Out), note+": "+ejected(*lane.Ejected, now)
	} else if lane.Doubtful {
		note += ": " + doubtful
	}
	return []cell{
		{text: service}, state, {text: pid(lane.Pid)}, {}, {}, {text: number(lane.Inflight)}, {text: number(lane.Answered)}, {text: note},
	}
}

func stateCell(state string) cell {
	switch state {
	case "ready":
		return cell{state, green}
	case "unready", "backoff", "draining", "stopping", admin.Stuck, admin.Out:
		return cell{state, yellow}
	case "crashloop", "stopped", admin.Unresponsive:
		return cell{state, red}
	}
	return cell{state, plain}
}
