package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report is what a run came to.
type report struct {
	Seed   uint64         `json:"seed"`
	Time   time.Duration  `json:"time_ns"`
	Counts counts         `json:"counts"`
	Deeds  map[string]int `json:"deeds"`
	Growth []growth       `json:"growth"`
	Wrongs []string       `json:"wrongs"` // what is off; nothing when all is well
	story  []deedDone
}

func newReport(s settings, w *world, c counts, sampled *samples) *report {
	r := &report{Seed: s.seed, Time: s.time, Counts: c, Deeds: w.count(), Growth: sampled.growths(), Wrongs: []string{},
		story: w.story}
	r.judge(sampled)
	return r
}

func (r *report) wrong(format string, args ...any) {
	r.Wrongs = append(r.Wrongs, fmt.Sprintf(format, args...))
}

func (r *report) judge(s *samples) {
	c := r.Counts
	if c.Sent == 0 || c.Sent != c.Answered {
		r.wrong("%d requests were sent, %d answered", c.Sent, c.Answered)
	}
	for what, n := range map[string]int64{"lost": c.Lost, "doubled": c.Doubled, "wrong": c.Wrong, "connections of clients broken": c.Broken} {
		if n > 0 {
			r.wrong("%d %s", n, what)
		}
	}
	for text, n := range c.Errors {
		r.wrong("%d error replies: %s", n, text)
	}
	for _, g := range r.Growth {
		if g.Grown {
			r.wrong("the %s of the %s grew", g.Measure, g.Process)
		}
	}
}

// judgeLog holds what the processes wrote against what none may ever write.
func (r *report) judgeLog(l *logFile) {
	for _, line := range l.crashed() {
		r.wrong("in the log: %.300s", line)
	}
}

func (r *report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	c := r.Counts
	fmt.Fprintf(t, "SENT\tANSWERED\tLOST\tDOUBLED\tWRONG\tERRORS\tBROKEN\tRETRIES\tSLOWEST\n%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%v\n\n",
		c.Sent, c.Answered, c.Lost, c.Doubled, c.Wrong, len(c.Errors), c.Broken, c.Retries, c.Slowest.Round(time.Millisecond))
	fmt.Fprint(t, "DEED\tTIMES\n")
	for _, deed := range deeds(r.Deeds) {
		fmt.Fprintf(t, "%s\t%d\n", deed, r.Deeds[deed])
	}
	fmt.Fprint(t, "\nPROCESS\tMEASURE\tBEFORE\tFIRST THIRD\tLAST THIRD\tAFTER\n")
	for _, g := range r.Growth {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\n", g.Process, g.Measure, g.Before, g.First, g.Last, g.After)
	}
	return t.Flush()
}

const storyTold = 60

// tell says what is off, and what was done last.
func (r *report) tell(w io.Writer) {
	fmt.Fprintf(w, "\nthe last deeds:\n")
	for _, d := range r.story[max(0, len(r.story)-storyTold):] {
		fmt.Fprintf(w, "%10.3fs  %s: %s\n", d.At.Seconds(), d.Deed, d.To)
	}
	for _, e := range r.Counts.Examples {
		fmt.Fprintf(w, "example: %s\n", e)
	}
	for _, wrong := range r.Wrongs {
		fmt.Fprintf(w, "chaos: %s\n", wrong)
	}
	fmt.Fprintf(w, "the same plan again: -seed %d\n", r.Seed)
}
