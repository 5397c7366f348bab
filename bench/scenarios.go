package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A scenario is one kind of load and what is looked at under it. Users call it a case.
type scenario struct {
	name  string
	what  string // the load, for the table's reader
	extra []side // measured beside the two proxies
	load  func(*trial) (figures, error)
	rows  []row
}

// A row is one figure of a case, and how far it should get.
type row struct {
	figure string // of figures
	label  string
	beside side // whom zfleet is held against, zmq_proxy when ""
	sum    bool // over all rounds, instead of the median
	goal   goal
}

// A goal is a bound on zfleet's figure, or on its ratio to the other side's. They are those that zfleet's design was made to reach.
type goal struct {
	ratio bool
	least bool // or else at most
	bound float64
}

var scenarios = []scenario{
	{
		name: "pipelined", what: "8 clients with 50 requests of 16 bytes outstanding each, 2 workers", load: pipelined,
		rows: []row{
			{figure: "rps", label: "requests/s", goal: goal{ratio: true, least: true, bound: 1.6}},
			{figure: "cpu", label: "CPU µs a request", goal: goal{ratio: true, bound: 0.30}},
		},
	},
	{
		name: "latency", what: "1 client with 1 request outstanding, 1 worker; what the proxy adds to the median", load: latency,
		extra: []side{direct, relay},
		rows: []row{
			{figure: "added", label: "added µs", goal: goal{ratio: true, bound: 0.35}},
			{figure: "added", label: "added µs", beside: relay, goal: goal{ratio: true, bound: 1.2}},
		},
	},
	{
		name: "mixed", what: "3000 requests/s at random, 8 workers, each slow (20 ms) with every 20th", load: mixed,
		rows: []row{{figure: "p90", label: "p90 µs", goal: goal{ratio: true, bound: 0.04}}},
	},
	{
		name: "fair", what: "1 client with 1 request outstanding beside one with 2000; 2 workers of 200 µs", load: fair,
		rows: []row{{figure: "p50", label: "p50 µs", goal: goal{ratio: true, bound: 0.005}}},
	},
	{
		name: "idle", what: "1 request waits, no worker", load: idle,
		rows: []row{{figure: "cores", label: "cores used", goal: goal{bound: 0.02}}},
	},
	{
		name: "large", what: "4 clients with 4 requests of 1 MiB outstanding each, 2 workers", load: large,
		rows: []row{
			{figure: "rps", label: "requests/s", goal: goal{ratio: true, least: true, bound: 1}},
			{figure: "cpu", label: "CPU µs a request", goal: goal{ratio: true, bound: 1}},
		},
	},
	{
		name: "kill", what: "800 requests/s at random, 4 workers of 2 ms; every 150 ms one is killed -9 and started anew", load: kill,
		rows: []row{
			{figure: "lost", label: "requests lost", sum: true, goal: goal{bound: 0}},
			{figure: "duplicates", label: "replies given twice", sum: true, goal: goal{bound: 0}},
			{figure: "wrong", label: "error replies", sum: true, goal: goal{bound: 0}},
		},
	},
}

func scenarioNames() string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return strings.Join(names, ",")
}

// scenariosNamed picks some, in their own order; "" is all.
func scenariosNamed(names string) ([]scenario, error) {
	if names == "" {
		return scenarios, nil
	}
	want := strings.Split(names, ",")
	var picked []scenario
	for _, s := range scenarios {
		if i := slices.Index(want, s.name); i >= 0 {
			picked, want = append(picked, s), slices.Delete(want, i, i+1)
		}
	}
	if len(want) > 0 {
		return nil, fmt.Errorf("cannot measure %q: the cases are %s", want[0], scenarioNames())
	}
	return picked, nil
}

func pipelined(t *trial) (figures, error) {
	t.work(2, 0, 0)
	return t.withCPU(func() (figures, error) { return t.closed(8, 50, 16) })
}

func latency(t *trial) (figures, error) {
	t.work(1, 0, 0)
	return t.closed(1, 1, 16)
}

func large(t *trial) (figures, error) {
	t.work(2, 0, 0)
	return t.withCPU(func() (figures, error) { return t.closed(4, 4, 1<<20) })
}

func mixed(t *trial) (figures, error) {
	t.work(8, 20*time.Millisecond, 20)
	return t.run("open", t.frontend, 4, 3000, t.seconds)
}

func fair(t *trial) (figures, error) {
	t.work(2, 200*time.Microsecond, 1)
	flood := t.start("closed", t.frontend, 1, 2000, t.seconds+60, 16) // ended before its time
	if err := flood.says(t.ctx, "ready"); err != nil {
		return nil, err
	}
	t.pause(t.seconds / 5) // until all of the flood is in the proxy
	return t.closed(1, 1, 16)
}

func idle(t *trial) (figures, error) {
	t.start("closed", t.frontend, 1, 1, t.seconds+60, 16)
	t.pause(0.5) // until the request is in the proxy
	before, began := t.proxy.cpu(), time.Now()
	t.pause(t.seconds)
	return figures{"cores": (t.proxy.cpu() - before).Seconds() / time.Since(began).Seconds()}, t.ctx.Err()
}

const (
	killEvery = 150 * time.Millisecond
	killTimes = 8.0 / 3 // as long as the other cases: 6400 requests in the default 3 seconds
)

func kill(t *trial) (figures, error) {
	workers := t.work(4, 2*time.Millisecond, 1)
	load := t.start("open", t.frontend, 4, 800, t.seconds*killTimes)
	over := time.After(seconds(t.seconds * killTimes))
	again := time.NewTicker(killEvery)
	defer again.Stop()
	for next := 0; ; next++ {
		select {
		case <-again.C:
			workers[next%len(workers)].kill()
			workers[next%len(workers)] = t.work(1, 2*time.Millisecond, 1)[0]
		case <-over:
			return load.figures(t.ctx)
		case <-load.ended: // before its time: there is an error to tell
			return load.figures(t.ctx)
		case <-t.ctx.Done():
			return nil, t.ctx.Err()
		}
	}
}
