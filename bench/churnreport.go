package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// churnReport is a whole run of the churn measurements. Its JSON is what -churn -o json prints.
type churnReport struct {
	Date    string             `json:"date"`
	Commit  string             `json:"commit"`
	Machine string             `json:"machine"`
	Seconds float64            `json:"seconds"`
	Singles int                `json:"singles"`
	Figures figureRows         `json:"figures"`
	Runs    map[string]figures `json:"runs"` // latencies of the loads in µs, others in ms
}

func newChurnReport(ctx context.Context, s settings) churnReport {
	return churnReport{Date: time.Now().UTC().Format(time.DateOnly), Commit: commit(ctx), Machine: machine(ctx), Seconds: s.seconds,
		Singles: s.singles, Runs: map[string]figures{}}
}

// fill makes the rows.
func (r *churnReport) fill() {
	for _, c := range churnCases {
		c.rows(&r.Figures, c.name, r.Runs[c.name])
	}
}

// slower is how many times a client's 99th percentile may be that of the quiet fleet.
const slower = 3

func disturbedRows(rows *figureRows, load string, f figures) {
	rows.atMost(load, "times in the run", f["deeds"], 0)
	rows.atMost(load, "requests", f["total"], 0)
	rows.exactly(load, "lost", f["lost"], 0)
	rows.exactly(load, "answered twice", f["duplicates"], 0)
	rows.exactly(load, "delivered twice", f["redelivered"], 0)
	rows.exactly(load, "wrong or error replies", f["wrong"], 0)
	rows.atMost(load, "p99 ms in the quiet fleet", f["quiet"]/1e3, 0)
	rows.atMost(load, "p99 ms meanwhile", f["p99"]/1e3, 0)
	rows.atMost(load, "p99, times that of the quiet fleet", f["p99"]/f["quiet"], slower)
}

func deathRows(rows *figureRows, load string, f figures) {
	rows.exactly(load, "error replies", f["errors"], 0)
	rows.atMost(load, "p50 ms until the reply of another", f["p50"], 0)
	rows.atMost(load, "p99 ms until the reply of another", f["p99"], 20)
}

func growingRows(rows *figureRows, load string, f figures) {
	rows.exactly(load, "error replies", f["errors"], 0)
	rows.atMost(load, "p50 ms from the command to the reply", f["p50"], 150)
	rows.atMost(load, "p99 ms from the command to the reply", f["p99"], 0)
}

// text is the table, in Markdown that can be read as it is.
func (r churnReport) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s, %s. %g s of each load, %d single requests.\n\n", r.Date, r.Commit, r.Machine, r.Seconds, r.Singles)
	r.Figures.write(&b, "case")
	b.WriteString("\n")
	for _, c := range churnCases {
		fmt.Fprintf(&b, "- %s: %s.\n", c.name, c.what)
	}
	return b.String()
}
