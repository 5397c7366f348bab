package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// report is a whole run. Its JSON is what -o json prints.
type report struct {
	Date    string       `json:"date"`
	Commit  string       `json:"commit"`
	Machine string       `json:"machine"`
	Command string       `json:"command"`
	Rounds  int          `json:"rounds"`
	Seconds float64      `json:"seconds"`
	Cases   []caseReport `json:"cases"`
}

type caseReport struct {
	Case string      `json:"case"`
	Load string      `json:"load"`
	Rows []rowReport `json:"rows"`
	Runs rounds      `json:"runs"` // every round's figures, latencies in µs
}

type rowReport struct {
	Figure  string  `json:"figure"`
	Beside  side    `json:"beside"`
	Theirs  float64 `json:"theirs"`
	Ours    float64 `json:"ours"`
	Ratio   float64 `json:"ratio,omitempty"` // ours / theirs; left out when theirs is 0
	Goal    string  `json:"goal"`
	Reached bool    `json:"reached"`
}

// sides are all that a case measures here. Without haproxy there is no relay.
func (c scenario) sides() []side {
	var all []side
	for _, s := range c.extra {
		if _, err := exec.LookPath("haproxy"); s != relay || err == nil {
			all = append(all, s)
		}
	}
	return append(all, baseline, ours)
}

// add puts a case's rounds into the report.
func (r *report) add(c scenario, all rounds) {
	m := map[side]figures{}
	for side, fs := range all {
		m[side] = medians(fs)
	}
	if floor, ok := m[direct]; ok {
		for _, f := range m {
			f["added"] = f["p50"] - floor["p50"]
		}
	}
	out := caseReport{Case: c.name, Load: c.what, Runs: all}
	for _, row := range c.rows {
		if row.beside == "" {
			row.beside = baseline
		}
		if m[row.beside] != nil {
			out.Rows = append(out.Rows, row.report(all, m))
		}
	}
	r.Cases = append(r.Cases, out)
}

func (r row) report(all rounds, medians map[side]figures) rowReport {
	value := func(s side) (v float64) {
		if !r.sum {
			return medians[s][r.figure]
		}
		for _, f := range all[s] {
			v += f[r.figure]
		}
		return v
	}
	out := rowReport{Figure: r.label, Beside: r.beside, Theirs: value(r.beside), Ours: value(ours), Goal: r.goal.String()}
	if out.Theirs != 0 {
		out.Ratio = out.Ours / out.Theirs
	}
	out.Reached = r.goal.reached(out)
	return out
}

func (g goal) reached(r rowReport) bool {
	switch {
	case !g.ratio:
		return r.Ours <= g.bound
	case r.Theirs <= 0: // nothing to hold it against: an added latency that is lost in the noise
		return false
	case g.least:
		return r.Ratio >= g.bound
	default:
		return r.Ratio <= g.bound
	}
}

// String is the goal as the table shows it: × marks a ratio.
func (g goal) String() string {
	sign, times := "≤", ""
	if g.least {
		sign = "≥"
	}
	if g.ratio {
		times = " ×"
	}
	return fmt.Sprintf("%s %g%s", sign, g.bound, times)
}

func writeJSON(w io.Writer, report any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(report)
}

// text is the table, with the loads under it. It is Markdown, and made to be read as it is.
func (r report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s, %s. Medians of %d x %g s a side, the sides in turn.\n\n", r.Date, r.Commit, r.Machine, r.Rounds, r.Seconds)
	lines := [][]string{{"case", "figure", "beside", "theirs", "zfleet", "ratio", "goal", "reached"}}
	for _, c := range r.Cases {
		for _, row := range c.Rows {
			lines = append(lines, append([]string{c.Case}, row.cells()...))
		}
	}
	writeTable(&b, lines)
	b.WriteString("\n")
	for _, c := range r.Cases {
		fmt.Fprintf(&b, "- %s: %s.\n", c.Case, c.Load)
	}
	return b.String()
}

func (r rowReport) cells() []string {
	ratio, reached := "", "no"
	if r.Ratio != 0 {
		ratio = fmt.Sprintf("%.3g", r.Ratio)
	}
	if r.Reached {
		reached = "yes"
	}
	return []string{r.Figure, string(r.Beside), number(r.Theirs), number(r.Ours), ratio, r.Goal, reached}
}

// number shows as many digits as mean something on a machine that does other things too.
func number(v float64) string {
	switch {
	case v == float64(int(v)):
		return fmt.Sprintf("%d", int(v))
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}

// writeTable aligns the columns; the first line is the head.
func writeTable(b *strings.Builder, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for i, line := range lines {
		for j, cell := range line {
			fmt.Fprintf(b, "| %-*s ", widths[j], cell)
		}
		b.WriteString("|\n")
		for j := 0; i == 0 && j < len(widths); j++ {
			b.WriteString("|" + strings.Repeat("-", widths[j]+2))
		}
		if i == 0 {
			b.WriteString("|\n")
		}
	}
}
