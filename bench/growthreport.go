package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// growthReport is a whole run of the growth measurements. Its JSON is what -growth -o json prints.
type growthReport struct {
	Date    string            `json:"date"`
	Commit  string            `json:"commit"`
	Machine string            `json:"machine"`
	Rounds  int               `json:"rounds"`
	Seconds float64           `json:"seconds"`
	Costs   []costRow         `json:"costs"`
	Memory  figureRows        `json:"memory"`
	Runs    map[string]rounds `json:"runs"` // every round's figures: bytes, seconds, latencies and CPU in µs
}

// costRow is a point of cost. Growth is that of the CPU, against the point with few peers and as many requests under way.
type costRow struct {
	Load        string  `json:"load"`
	Rate        float64 `json:"rate"`
	CPU         float64 `json:"cpu_us"`
	Growth      float64 `json:"growth"`
	Theirs      float64 `json:"zmq_proxy_cpu_us"`
	TheirGrowth float64 `json:"zmq_proxy_growth"`
	Goal        string  `json:"goal,omitempty"`
	Reached     bool    `json:"reached"`
}

func newGrowthReport(ctx context.Context, s settings) growthReport {
	return growthReport{Date: time.Now().UTC().Format(time.DateOnly), Commit: commit(ctx), Machine: machine(ctx), Rounds: s.rounds,
		Seconds: s.seconds, Runs: map[string]rounds{}}
}

// costGoal bounds how much dearer a request may be with many peers than with few.
var costGoal = goal{ratio: true, bound: 1.3}

// fill makes the rows from the rounds.
func (r *growthReport) fill() {
	var first costRow
	for i, p := range costs {
		f, theirs := medians(r.Runs[p.name][ours]), medians(r.Runs[p.name][baseline])
		row := costRow{Load: p.name, Rate: f["rps"], CPU: f["cpu"], Theirs: theirs["cpu"]}
		switch i % len(costsWith(1)) {
		case 0:
			first = row
		case 1, 2: // many of either
			row.Goal = costGoal.String()
		}
		row.Growth, row.TheirGrowth = row.CPU/first.CPU, row.Theirs/first.Theirs
		row.Reached = row.Growth <= costGoal.bound
		r.Costs = append(r.Costs, row)
	}
	idle, burst := medians(r.Runs[idles.name][ours]), medians(r.Runs[waits.name][ours])
	crowd := fmt.Sprintf("%d idle clients", idleClients)
	r.Memory.atMost(crowd, "RSS bytes a client", idle["rss"], 8<<10)
	r.Memory.atMost(crowd, "of that anonymous: heap and the like", idle["anonymous"], 0)
	r.Memory.atMost(crowd, "kernel slab bytes a connection, both ends", idle["kernel"], 0)
	load := fmt.Sprintf("%d requests of %d bytes wait", burstSize, burstBytes)
	const mib = 1 << 20
	r.Memory.atMost(load, "RSS MiB while they wait", burst["waiting"]/mib, 0)
	r.Memory.atMost(load, "RSS MiB at most, until all are answered", burst["peak"]/mib, 600)
	r.Memory.exactly(load, "requests lost", burst["lost"], 0)
	r.Memory.atMost(load, "seconds until RSS is 100 MiB above the start, or less", burst["back"], 15)
	r.Memory.atMost(load, "RSS MiB above the start at the end", (burst["end"]-burst["start"])/mib, 100)
	r.Memory.atMost(load, "a lone client's p99.9 meanwhile, µs", burst["p999"], 0)
	r.Memory.atMost(load, "the same before the burst, µs", burst["p999before"], 0)
	r.Memory.atMost(load, "a lone client's longest meanwhile, ms", burst["max"]/1e3, 0)
	r.Memory.atMost(load, "the same before the burst, ms", burst["maxbefore"]/1e3, 0)
}

// text is the two tables, in Markdown that can be read as it is.
func (r growthReport) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s, %s. Medians of %d rounds, %g s each of the cost.\n\n", r.Date, r.Commit, r.Machine, r.Rounds, r.Seconds)
	lines := [][]string{{"load", "requests/s", "CPU µs a request", "growth", "goal", "reached", "zmq_proxy", "its growth"}}
	for _, c := range r.Costs {
		lines = append(lines, []string{c.Load, number(c.Rate), number(c.CPU), number(c.Growth), c.Goal, yes(c.Goal, c.Reached),
			number(c.Theirs), number(c.TheirGrowth)})
	}
	writeTable(&b, lines)
	b.WriteString("\n")
	r.Memory.write(&b, "load")
	return b.String()
}
