package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/bench/page"
)

// sample is a run whose figures can be checked by hand.
func sample() report {
	r := report{Date: "2026-01-02", Commit: "abc1234", Machine: "2 x processor", Rounds: 3, Seconds: 3}
	named := map[string]scenario{}
	for _, s := range scenarios {
		named[s.name] = s
	}
	r.add(named["pipelined"], rounds{
		baseline: {{"rps": 300_000, "cpu": 2.4}, {"rps": 1, "cpu": 2.4}, {"rps": 400_000, "cpu": 2.4}},
		ours:     {{"rps": 480_000, "cpu": 0.9}, {"rps": 450_000, "cpu": 0.84}, {"rps": 510_000, "cpu": 0.1}},
	})
	r.add(named["latency"], rounds{
		direct:   {{"p50": 20}, {"p50": 22}},
		relay:    {{"p50": 51}, {"p50": 51}},
		baseline: {{"p50": 121}, {"p50": 121}},
		ours:     {{"p50": 50}, {"p50": 52}},
	})
	r.add(named["idle"], rounds{baseline: {{"cores": 1}}, ours: {{"cores": 0}}})
	r.add(named["kill"], rounds{
		baseline: {{"lost": 12, "duplicates": 0, "wrong": 0}, {"lost": 26, "duplicates": 0, "wrong": 0}},
		ours:     {{"lost": 0, "duplicates": 0, "wrong": 0}, {"lost": 1, "duplicates": 0, "wrong": 0}},
	})
	return r
}

const sampleText = `2026-01-02, commit abc1234, 2 x processor. Medians of 3 x 3 s a side, the sides in turn.

| case      | figure              | beside    | theirs | zfleet | ratio  | goal     | reached |
|-----------|---------------------|-----------|--------|--------|--------|----------|---------|
| pipelined | requests/s          | zmq_proxy | 300000 | 480000 | 1.6    | ≥ 1.6 ×  | yes     |
| pipelined | CPU µs a request    | zmq_proxy | 2.4    | 0.84   | 0.35   | ≤ 0.3 ×  | no      |
| latency   | added µs            | zmq_proxy | 100    | 30     | 0.3    | ≤ 0.35 × | yes     |
| latency   | added µs            | haproxy   | 30     | 30     | 1      | ≤ 1.2 ×  | yes     |
| idle      | cores used          | zmq_proxy | 1      | 0      |        | ≤ 0.02   | yes     |
| kill      | requests lost       | zmq_proxy | 38     | 1      | 0.0263 | ≤ 0      | no      |
| kill      | replies given twice | zmq_proxy | 0      | 0      |        | ≤ 0      | yes     |
| kill      | error replies       | zmq_proxy | 0      | 0      |        | ≤ 0      | yes     |
`

func TestReportText(t *testing.T) {
	table, loads, ok := strings.Cut(sample().text(), "\n- ")
	if !ok || strings.Count(loads, "\n") != 4 {
		t.Errorf("no line for each of the four loads below the table: %q", loads)
	}
	if table = strings.TrimSuffix(table, "\n") + "\n"; table != sampleText {
		t.Errorf("got\n%s\nwant\n%s", table, sampleText)
	}
}

// Without haproxy there is no row beside it; without a difference there is nothing to hold a ratio against.
func TestReportWithout(t *testing.T) {
	var r report
	r.add(scenarios[1], rounds{direct: {{"p50": 20}}, baseline: {{"p50": 20}}, ours: {{"p50": 30}}})
	if rows := r.Cases[0].Rows; len(rows) != 1 || rows[0].Reached || rows[0].Beside != baseline {
		t.Errorf("got %+v, want one row beside zmq_proxy, not reached", rows)
	}
}

func TestReportJSON(t *testing.T) {
	var b strings.Builder
	if err := writeJSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Commit string
		Cases  []struct {
			Case string
			Rows []struct {
				Ratio   float64
				Reached bool
			}
			Runs map[string][]map[string]float64
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil {
		t.Fatal(err)
	}
	if back.Commit != "abc1234" || back.Cases[0].Case != "pipelined" || back.Cases[0].Rows[0].Ratio != 1.6 || !back.Cases[0].Rows[0].Reached ||
		back.Cases[0].Runs["zfleet"][1]["rps"] != 450_000 {
		t.Errorf("read back %+v", back)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 4}, 4}, {[]float64{8, 2, 6, 4}, 5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median %g, want %g", got, c.want)
		}
	}
}

func TestUpdateDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/benchmarks.md") // the real one has to have the place
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(page.Update(path, tool, sample().text()), page.Update(path, growthTool, "of growth\n")); err != nil {
		t.Fatal(err)
	}
	if updated, err := os.ReadFile(path); err != nil || !strings.Contains(string(updated), sample().text()) ||
		!strings.Contains(string(updated), "\nof growth\n") {
		t.Errorf("no table in the page: %v", err)
	}
}
