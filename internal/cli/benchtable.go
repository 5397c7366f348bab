package cli

import (
	"fmt"
	"time"

	"github.com/zfleet/zfleet/internal/load"
)

// benchResult is a result in JSON. Latencies are in microseconds. It is a contract: keys may be added, not changed.
type benchResult struct {
	Endpoint    string       `json:"endpoint"`
	Clients     int          `json:"clients"`
	Outstanding int          `json:"outstanding,omitempty"` // in closed loop
	Asked       float64      `json:"asked,omitempty"`       // requests a second, in open loop
	Seconds     float64      `json:"seconds"`
	Replies     int64        `json:"replies"`
	Rate        float64      `json:"rate"`
	Errors      int64        `json:"errors"`
	Wrong       int64        `json:"wrong"`
	Doubled     int64        `json:"doubled"`
	Unanswered  int64        `json:"unanswered"`
	Interrupted bool         `json:"interrupted,omitempty"`
	Latency     benchLatency `json:"latency_us"`
}

type benchLatency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

func (b *bench) show(to target, r load.Result) {
	if b.out.json() {
		b.ui.printf("%s", indented(b.result(to, r)))
		return
	}
	rows := [][]cell{
		{{text: "requests/s"}, {text: fmt.Sprintf("%.0f", r.Rate())}},
		{{text: "replies"}, {text: fmt.Sprintf("%d in %v", r.Replies, r.Elapsed.Round(time.Millisecond))}},
		badly("error replies", r.Errors), badly("wrong", r.Wrong), badly("doubled", r.Doubled), badly(unanswered(r), r.Unanswered),
	}
	for _, p := range []struct {
		name string
		at   float64
	}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}} {
		rows = append(rows, []cell{{text: p.name}, {text: precise(r.Latency(p.at))}})
	}
	b.ui.table(b.ui.out, []string{"FIGURE", "VALUE"}, rows)
}

// badly is the row of a number that should be 0.
func badly(name string, n int64) []cell {
	c := cell{text: fmt.Sprint(n)}
	if n > 0 {
		c.colour = red
	}
	return []cell{{text: name}, c}
}

// unanswered is what becomes of requests without reply: after an interruption nobody waited for them.
func unanswered(r load.Result) string {
	if r.Interrupted {
		return "under way at the end"
	}
	return "unanswered"
}

func (b *bench) result(to target, r load.Result) benchResult {
	us := func(percentile float64) float64 { return float64(r.Latency(percentile)) / 1e3 }
	out := benchResult{
		Endpoint: to.String(), Clients: b.opts.Clients, Asked: b.opts.Rate, Seconds: r.Elapsed.Seconds(), Replies: r.Replies, Rate: r.Rate(),
		Errors: r.Errors, Wrong: r.Wrong, Doubled: r.Doubled, Unanswered: r.Unanswered, Interrupted: r.Interrupted,
		Latency: benchLatency{us(50), us(90), us(99), us(99.9), us(100)},
	}
	if b.opts.Rate == 0 {
		out.Outstanding = b.opts.Outstanding
	}
	return out
}

// precise is a latency with three digits: 87µs, 1.25ms, 3.21s.
func precise(d time.Duration) string {
	if d == 0 {
		return ""
	}
	for unit := time.Duration(1); unit < time.Hour; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.String()
}

// tell writes a line that it writes over each second, until done is closed.
func (b *bench) tell(p *load.Progress, done <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	began := time.Now()
	var before int64
	for {
		select {
		case <-done:
			_, _ = fmt.Fprint(b.ui.err, "\r\x1b[K")
			return
		case <-tick.C:
			answered := p.Answered.Load()
			_, _ = fmt.Fprintf(b.ui.err, "\r\x1b[K%s: %d requests/s, %d under way, %d error replies, %d wrong", age(time.Since(began)),
				answered-before, p.Outstanding.Load(), p.Errors.Load(), p.Wrong.Load())
			before = answered
		}
	}
}
