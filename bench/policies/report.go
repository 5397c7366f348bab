package main

import (
	"fmt"
	"strings"
	"time"
)

// contender is a policy by its name in the table.
type contender struct {
	name  string
	alone bool // a lane has one request at a time, so that it idles for a round trip after each
	start func(settings) policy
}

var contenders = []contender{
	{"zfleet", false, func(s settings) policy { return newDispatched(s, 0) }},
	{"zfleet, prefetch 1", true, func(s settings) policy { return newDispatched(s, 1) }},
	{"two choices", false, pushing(twoChoices)},
	{"round robin", false, pushing(roundRobin)},
	{"random", false, pushing(random)},
}

func pushing(by func(settings) func([]int32) int32) func(settings) policy {
	return func(s settings) policy { return &push{choose: by(s), held: make([]int32, s.lanes)} }
}

// row is a line of the table.
type row struct {
	service service
	busy    float64
	policy  string
	waited  []time.Duration // sorted; nil when the lanes cannot carry the load
}

// compare runs each policy with the same requests.
func compare(s settings) (rows []row) {
	for _, service := range services {
		for _, busy := range loads {
			l := newLoad(s, service, busy)
			for _, c := range contenders {
				r := row{service: service, busy: busy, policy: c.name}
				if !c.alone || busy*float64(service.mean+s.rtt) < float64(service.mean) {
					r.waited = waits(l, s, c.start(s))
				}
				rows = append(rows, r)
			}
		}
	}
	return rows
}

var quantiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}}

// report is the table, in Markdown, with what it means above it.
func report(s settings, rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d workers, %d clients, %d requests a run of which the second half counts, round trip %v, seed %d. "+
		"Times waited in ms.\n\n", s.lanes, s.clients, s.requests, s.rtt, s.seed)
	fmt.Fprintf(&b, "| %-24s | %-4s | %-18s |", "service time", "load", "policy")
	for _, q := range quantiles {
		fmt.Fprintf(&b, " %7s |", q.name)
	}
	fmt.Fprintf(&b, "\n|%s|%s|%s|%s\n", strings.Repeat("-", 26), strings.Repeat("-", 6), strings.Repeat("-", 20),
		strings.Repeat("---------|", len(quantiles)))
	for _, r := range rows {
		fmt.Fprintf(&b, "| %-24s | %3.0f%% | %-18s |", r.service.name, r.busy*100, r.policy)
		for _, q := range quantiles {
			fmt.Fprintf(&b, " %7s |", r.at(q.q))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// at is a quantile in milliseconds, with three digits that mean something.
func (r row) at(q float64) string {
	if len(r.waited) == 0 {
		return "-"
	}
	ms := r.waited[int(q*float64(len(r.waited)-1))].Seconds() * 1000
	switch {
	case ms < 0.0005:
		return "0"
	case ms < 1:
		return fmt.Sprintf("%.3f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}
