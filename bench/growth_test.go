package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// The loads of the growth measurements, small ones, against zmq_proxy.
func TestGrowthLoads(t *testing.T) {
	for name, tried := range map[string]struct {
		load func(*trial) (figures, error)
		want string // figures that are more than 0
	}{
		"cost":  {cost(5, 20, 10).load, "cpu rps total"},
		"idle":  {idleCrowd(300), "rss anonymous"},
		"burst": {waitingBurst(500, 200*time.Millisecond), "total waiting peak start end back p999 p999before"},
	} {
		s := scenario{name: name, load: tried.load}
		f, err := s.once(t.Context(), settings{seconds: 1}, programs(t), baseline)
		if err != nil {
			t.Fatal(err)
		}
		for _, figure := range strings.Fields(tried.want) {
			if f[figure] <= 0 {
				t.Errorf("%s: no %s in %s", name, figure, f)
			}
		}
		if f["lost"] > 0 || f["wrong"] > 0 || f["duplicates"] > 0 {
			t.Errorf("%s: %s", name, f)
		}
	}
}

// Growth is against few peers with as many requests under way; figures beyond their bounds are said to be.
func TestGrowthReport(t *testing.T) {
	r := growthReport{Runs: map[string]rounds{}}
	for i, p := range costs {
		r.Runs[p.name] = rounds{ours: {{"cpu": 2 + float64(i%4)*0.5, "rps": 1000}}, baseline: {{"cpu": 4}}}
	}
	r.Runs[idles.name] = rounds{ours: {{"rss": 9000}}}
	r.Runs[waits.name] = rounds{ours: {{"peak": 300 << 20, "start": 30 << 20, "end": 131 << 20, "back": 15.5, "lost": 1}}}
	r.fill()
	var reached []string
	for _, c := range r.Costs {
		reached = append(reached, yes(c.Goal, c.Reached))
	}
	for _, m := range r.Memory {
		if m.Goal != "" {
			reached = append(reached, yes(m.Goal, m.Reached))
		}
	}
	if got := strings.Join(reached, " "); got != " yes no   yes no  no yes no no no" {
		t.Errorf("reached: %s\n%s", got, r.text())
	}
	for _, want := range []string{"| 1.25   | ≤ 1.3 × | yes     | 4         | 1          |\n", "| RSS bytes a client "} {
		if !strings.Contains(r.text(), want) {
			t.Errorf("there is no %q in\n%s", want, r.text())
		}
	}
	if err := writeJSON(io.Discard, r); err != nil {
		t.Error(err)
	}
}

func TestGrowthOfAProxyThatDoesNotRun(t *testing.T) {
	s := settings{seconds: 0.1, rounds: 1, growth: true, ours: []string{"false", "{fe}", "{be}"}}
	if err := do(context.Background(), s, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "cannot measure 1 under way, 10 clients, 10 lanes: ") {
		t.Errorf("got %v", err)
	}
}
