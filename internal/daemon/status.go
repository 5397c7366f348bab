package daemon

import (
	"cmp"
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/vitals"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// snapshotTime is how long a status waits for a proxy's own numbers.
const snapshotTime = time.Second

// answer is what one proxy said, or why it did not.
type answer struct {
	snapshot control.Snapshot
	err      error
}

// Status is what the supervisor knows and, where they answer in time, what the proxies know.
func (d *Daemon) Status(ctx context.Context) (admin.Status, error) {
	view, err := d.supervisor.View(ctx)
	if err != nil {
		return admin.Status{}, refusal(err)
	}
	status := statusOf(d.spec.Name, view, d.ask(ctx, view))
	for i, svc := range view.Services {
		status.Services[i].Autoscale = autoscaleOf(svc, d.attendants.scaled(svc.Name))
	}
	status.Supervisor = &admin.Supervisor{Pid: os.Getpid(), Version: d.me.Version}
	status.Supervisor.Goroutines, status.Supervisor.Heap = vitals.Read()
	if unlimited := d.unlimited.Load(); unlimited != nil {
		status.Cgroups = *unlimited
	}
	return status, nil
}

// ask asks all proxies that have come up at the same time. The answers are in the order of the view; nil where nobody was asked.
func (d *Daemon) ask(ctx context.Context, view fleet.View) []*answer {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	answers := make([]*answer, len(view.Services))
	var wg sync.WaitGroup
	for i, svc := range view.Services {
		if !isUp(svc.Proxy.State) {
			continue
		}
		answers[i] = &answer{}
		wg.Go(func() { answers[i].snapshot, answers[i].err = d.launcher.Snapshot(ctx, svc.Name) })
	}
	wg.Wait()
	return answers
}

// isUp: it has been ready, and has not ended.
func isUp(s fleet.State) bool {
	return slices.Contains([]fleet.State{fleet.StateReady, fleet.StateUnready, fleet.StateDraining, fleet.StateStopping}, s)
}

func statusOf(name string, view fleet.View, answers []*answer) admin.Status {
	status := admin.Status{Fleet: name, Stopping: view.Stopping, Services: []admin.Service{}}
	for i, svc := range view.Services {
		status.Services = append(status.Services, serviceOf(svc, answers[i]))
	}
	return status
}

func serviceOf(view fleet.ServiceView, said *answer) admin.Service {
	svc := admin.Service{
		Name: view.Name, Frontend: view.Frontend, Backend: view.Backend, Leaving: view.Leaving,
		Proxy: proxyOf(view.Proxy, said),
		Want:  view.Want, Ready: view.Ready, Degraded: view.Degraded,
		Workers: []admin.Worker{},
	}
	if u := view.Upgrade; u.Number > 0 {
		svc.Upgrade = &admin.Upgrade{Service: view.Name, Number: u.Number, State: string(u.State), Reason: u.Reason, LastLines: u.LastLines}
	}
	if view.Roll.Number > 0 {
		roll := rollOf(view.Name, view.Roll)
		svc.Roll = &roll
	}
	for _, slot := range view.Workers {
		svc.Workers = append(svc.Workers, workerOf(slot))
	}
	if said != nil && said.err == nil {
		addSnapshot(&svc, said.snapshot)
	}
	return svc
}

func proxyOf(view fleet.SlotView, said *answer) admin.Proxy {
	if said != nil && said.err != nil {
		return admin.Proxy{Pid: view.Pid, State: admin.Unresponsive, Reason: said.err.Error()}
	}
	return admin.Proxy{Pid: view.Pid, State: string(view.State), Reason: view.Reason, Stale: view.Stale}
}

func workerOf(view fleet.SlotView) admin.Worker {
	worker := admin.Worker{
		Name: view.Life.String(), Slot: view.Life.Slot, Life: view.Life.N,
		Pid: view.Pid, State: string(view.State), Restarts: view.Restarts, Since: view.Since, Reason: view.Reason, Stale: view.Stale,
	}
	if view.Replaces != (fleet.Life{}) {
		worker.Replaces = view.Replaces.String()
	}
	return worker
}

func foreignOf(lane control.Lane) admin.Lane {
	return admin.Lane{
		Peer: lane.Peer, Pid: lane.Pid, Inflight: lane.Inflight, Answered: lane.Answered, Stuck: cmp.Or(lane.Stuck, lane.Unfit),
		Doubtful: lane.Doubtful, Ejected: ejectedOf(lane),
	}
}

func ejectedOf(lane control.Lane) *admin.Ejected {
	if lane.Ejected == "" {
		return nil
	}
	return &admin.Ejected{Reason: lane.Ejected, Until: lane.EjectedUntil}
}

// addSnapshot sums the lanes of each worker, for one with concurrency 4 has four. Lanes of a life that has just ended count nowhere.
func addSnapshot(svc *admin.Service, snap control.Snapshot) {
	svc.Queued, svc.Clients = snap.Queued, snap.Clients
	svc.Counters = admin.Counters{
		Requests: snap.Counters.Requests, Replies: snap.Counters.Replies,
		Redelivered: snap.Counters.Redelivered, Failed: snap.Counters.Failed, Rejected: snap.Counters.Rejected,
		Dead: snap.Counters.Dead, DeadLost: snap.Counters.DeadLost,
	}
	svc.Proxy.Goroutines, svc.Proxy.Heap, svc.Proxy.Version = snap.Goroutines, snap.Heap, snap.Version
	svc.Bound = &admin.Bound{Frontend: snap.Frontend, Backend: snap.Backend}
	byName := map[string]*admin.Worker{}
	for i := range svc.Workers {
		byName[svc.Workers[i].Name] = &svc.Workers[i]
	}
	for _, lane := range snap.Lanes {
		if worker := byName[lane.Worker]; worker != nil {
			worker.Inflight += lane.Inflight
			worker.Answered += lane.Answered
			worker.Doubtful = worker.Doubtful || lane.Doubtful
			worker.Ejected = cmp.Or(worker.Ejected, ejectedOf(lane))
		}
		if lane.Worker == "" {
			svc.Foreign = append(svc.Foreign, foreignOf(lane))
		}
	}
	slices.SortStableFunc(svc.Foreign, func(a, b admin.Lane) int { return cmp.Compare(a.Peer, b.Peer) })
}

// autoscaleOf is what there is to say of a service's autoscaling; nil: it has none.
func autoscaleOf(view fleet.ServiceView, last *autoscaled) *admin.Autoscale {
	if !view.Auto.On() {
		return nil
	}
	auto := &admin.Autoscale{
		Min: view.Auto.Min, Max: view.Auto.Max, TargetWaitMS: millis(view.Auto.TargetWait), Held: view.Auto.Held, Want: view.Want,
	}
	if last == nil {
		return auto
	}
	d := last.decision
	auto.Want, auto.Reason, auto.WaitMS, auto.Busy, auto.Rate, auto.Penalty = d.Want, d.Reason, millis(d.Wait), d.Busy, d.Rate, d.Penalty
	if c := last.change; !c.at.IsZero() {
		auto.Change = &admin.AutoScale{At: c.at, Was: c.was, Want: c.Want, Cause: string(c.Cause), Reason: c.Reason}
	}
	return auto
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
