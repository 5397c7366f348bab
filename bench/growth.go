package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/zfleet/zfleet/bench/page"
)

// A point is one load of the growth measurements.
type point struct {
	scenario
	flags []string // of zfleet proxy
}

const (
	fewPeers    = 10
	manyLanes   = 1000
	manyClients = 2000

	idleClients  = 10_000
	burstSize    = 1_000_000
	burstBytes   = 100
	burstClients = 10
	givenBack    = 100 << 20 // over what the process had before
)

var (
	costs = slices.Concat(costsWith(1), costsWith(fewPeers))
	idles = point{scenario: scenario{name: "idle", load: idleCrowd(idleClients)}}
	waits = point{scenario: scenario{name: "burst", load: waitingBurst(burstSize, patience)}, flags: []string{"--queue", strconv.Itoa(2 * burstSize)}}
)

// costsWith are points with so many requests under way at any time, one a client and one a lane at most. It is the same number at all of
// them, and no more than the fewest clients and lanes: then every request takes the same system calls. With more under way, few
// connections would carry several requests in one read and write, and many would not.
func costsWith(underWay int) []point {
	return []point{cost(underWay, fewPeers, fewPeers), cost(underWay, fewPeers, manyLanes), cost(underWay, manyClients, fewPeers),
		cost(underWay, manyClients, manyLanes)}
}

func cost(underWay, clients, lanes int) point {
	load := func(t *trial) (figures, error) {
		if err := t.ready("lanes", t.backend, lanes); err != nil {
			return nil, err
		}
		t.pause(1) // until the proxy has looked up who they all are
		crowd := t.start("crowd", t.frontend, clients, underWay, t.seconds, 16)
		if t.failed != nil {
			return nil, t.failed
		}
		if err := crowd.says(t.ctx, "ready"); err != nil { // handshakes are not what a request costs
			return nil, err
		}
		return t.withCPU(func() (figures, error) { return crowd.figures(t.ctx) })
	}
	return point{scenario: scenario{name: fmt.Sprintf("%d under way, %d clients, %d lanes", underWay, clients, lanes), load: load}}
}

// growthTool is how the place for these figures in the docs names this tool.
const growthTool = "bench/run -growth"

// doGrowth measures all points and prints how the figures grow.
func doGrowth(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	r, err := measureGrowth(ctx, s, stderr)
	if err != nil {
		return err
	}
	if s.docs != "" {
		if err := page.Update(s.docs, growthTool, r.text()); err != nil {
			return err
		}
	}
	if s.json {
		return writeJSON(stdout, r)
	}
	_, err = io.WriteString(stdout, r.text())
	return err
}

// measureGrowth takes rounds of all points in turn, there and back, so that what the machine does meanwhile falls on all of them.
func measureGrowth(ctx context.Context, s settings, progress io.Writer) (growthReport, error) {
	dir, err := os.MkdirTemp("", "zfleet-bench-")
	if err != nil {
		return growthReport{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := compile(ctx, dir); err != nil {
		return growthReport{}, err
	}
	r := newGrowthReport(ctx, s)
	all := slices.Concat(costs, []point{idles, waits})
	for range s.rounds {
		for _, p := range all {
			if err := p.measure(ctx, s, dir, progress, r.Runs); err != nil {
				return growthReport{}, fmt.Errorf("cannot measure %s: %w", p.name, err)
			}
		}
		slices.Reverse(all)
	}
	r.fill()
	return r, nil
}

// measure is one round of one point: zfleet, and for the cost zmq_proxy beside it.
func (p point) measure(ctx context.Context, s settings, dir string, progress io.Writer, runs map[string]rounds) error {
	sides := []side{ours}
	if slices.ContainsFunc(costs, func(c point) bool { return c.name == p.name }) {
		sides = append(sides, baseline)
	}
	s.ours = slices.Concat(s.ours, p.flags)
	for _, on := range sides {
		f, err := p.once(ctx, s, dir, on)
		if err != nil {
			return fmt.Errorf("%s: %w", on, err)
		}
		fmt.Fprintf(progress, "%-36s %-10s %s\n", p.name, on, f)
		if runs[p.name] == nil {
			runs[p.name] = rounds{}
		}
		runs[p.name][on] = append(runs[p.name][on], f)
	}
	return nil
}
