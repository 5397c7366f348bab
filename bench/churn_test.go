package main

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A short run of all, with a real fleet. What must be 0 is; how long things take is for a quiet machine to say.
func TestChurn(t *testing.T) {
	bin := t.TempDir()
	build := exec.Command("go", "build", "-pgo=off", "-o", bin, "../cmd/zfleet", "../plugins/misbehave")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	s := settings{seconds: 0.5, singles: 3, ours: []string{filepath.Join(bin, "zfleet")}}
	r := newChurnReport(t.Context(), s)
	for _, c := range churnCases {
		f, err := c.measure(t.Context(), s, programs(t))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		r.Runs[c.name] = f
	}
	r.fill()
	for _, row := range r.Figures {
		switch {
		case row.Goal == "0" && !row.Reached:
			t.Errorf("%s: %g %s", row.Load, row.Value, row.Figure)
		case row.Goal != "0" && row.Value <= 0:
			t.Errorf("%s: nothing was measured for %q", row.Load, row.Figure)
		}
	}
	for _, want := range []string{"| growing | p50 ms from the command to the reply | ", "- rolling: 4 workers, "} {
		if !strings.Contains(r.text(), want) {
			t.Errorf("there is no %q in\n%s", want, r.text())
		}
	}
	if err := writeJSON(io.Discard, r); err != nil {
		t.Error(err)
	}
}

// What is lost, and a wait of more than three times that of the quiet fleet, is told.
func TestChurnReport(t *testing.T) {
	r := churnReport{Runs: map[string]figures{
		"scaling": {"quiet": 1000, "p99": 3001, "lost": 1, "redelivered": 2},
		"rolling": {"quiet": 1000, "p99": 2999},
		"death":   {"p99": 21, "errors": 1},
		"growing": {"p50": 149},
	}}
	r.fill()
	var missed []string
	for _, row := range r.Figures {
		if !row.Reached {
			missed = append(missed, row.Load+": "+row.Figure)
		}
	}
	want := "scaling: lost, scaling: delivered twice, scaling: p99, times that of the quiet fleet, death: error replies, death: p99 ms until the reply of another"
	if got := strings.Join(missed, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestChurnOfAFleetThatDoesNotRun(t *testing.T) {
	s := settings{seconds: 0.1, singles: 1, ours: []string{"/bin/false"}}
	if _, err := churnCases[0].measure(t.Context(), s, programs(t)); err == nil || !strings.Contains(err.Error(), "env: exit status 1") {
		t.Errorf("got %v", err)
	}
}
