package main

import (
	"fmt"
	"strings"
)

// figureRow is one figure of zfleet's own, with nobody beside it.
type figureRow struct {
	Load    string  `json:"load"`
	Figure  string  `json:"figure"`
	Value   float64 `json:"value"`
	Goal    string  `json:"goal,omitempty"`
	Reached bool    `json:"reached"`
}

type figureRows []figureRow

// atMost adds a row; a bound of 0 is no goal.
func (rows *figureRows) atMost(load, figure string, value, most float64) {
	row := figureRow{Load: load, Figure: figure, Value: value, Reached: true}
	if most > 0 {
		row.Goal, row.Reached = goal{bound: most}.String(), value <= most
	}
	*rows = append(*rows, row)
}

// exactly adds a row that must be what it should.
func (rows *figureRows) exactly(load, figure string, value, want float64) {
	*rows = append(*rows, figureRow{load, figure, value, fmt.Sprintf("%g", want), value == want})
}

// write adds the rows as a table.
func (rows figureRows) write(b *strings.Builder, load string) {
	lines := [][]string{{load, "figure", "zfleet", "goal", "reached"}}
	for _, r := range rows {
		lines = append(lines, []string{r.Load, r.Figure, number(r.Value), r.Goal, yes(r.Goal, r.Reached)})
	}
	writeTable(b, lines)
}

// yes or no, where there is a goal.
func yes(goal string, reached bool) string {
	switch {
	case goal == "":
		return ""
	case reached:
		return "yes"
	}
	return "no"
}
