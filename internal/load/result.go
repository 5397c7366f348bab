package load

import (
	"context"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a Run has measured. Latencies are of the replies of workers to requests that were due after the warm-up; Errors, Wrong,
// Doubled and Unanswered are of the whole time.
type Result struct {
	Replies     int64 // of workers, that came in Elapsed
	Elapsed     time.Duration
	Errors      int64 // answered by zfleet instead of a worker
	Wrong       int64 // replies to nothing that was asked, or with Echo, of another payload
	Doubled     int64 // replies to what had been answered
	Unanswered  int64 // at the end
	Interrupted bool  // ended before its time: what is unanswered may have been under way

	latency *hdrhistogram.Histogram
}

// Rate is replies a second.
func (r Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Replies) / r.Elapsed.Seconds()
}

// Latency is that of a percentile, 100 for the longest, exact to three digits; 0 when there is none.
func (r Result) Latency(percentile float64) time.Duration {
	if r.latency.TotalCount() == 0 {
		return 0
	}
	return time.Duration(r.latency.ValueAtQuantile(percentile))
}

// Latencies are counted from a nanosecond to an hour: shorter and longer ones count as these.
const shortest, longest = int64(1), int64(time.Hour)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(shortest, longest, 3) }

// tally is what one gang has counted.
type tally struct {
	warmup     time.Duration
	end        time.Duration
	ended      time.Duration // when it sent its last
	latency    *hdrhistogram.Histogram
	inTime     int64 // replies that came in the measured time: those behind its end are of the backlog
	errors     int64
	wrong      int64
	doubled    int64
	unanswered int
}

func newTally(opts Options) *tally {
	return &tally{warmup: opts.Warmup, end: opts.Warmup + opts.Duration, latency: newHistogram()}
}

// answered notes the reply, at now, to a request that was due.
func (t *tally) answered(now, due time.Duration) {
	if now >= t.warmup && now < t.end {
		t.inTime++
	}
	if due >= t.warmup {
		_ = t.latency.RecordValue(min(max(int64(now-due), shortest), longest)) // it is in range
	}
}

// sum is the result of all gangs.
func sum(ctx context.Context, all []*gang) Result {
	r := Result{latency: newHistogram()}
	for _, g := range all {
		r.Replies += g.tally.inTime
		r.Errors += g.tally.errors
		r.Wrong += g.tally.wrong
		r.Doubled += g.tally.doubled
		r.Unanswered += int64(g.tally.unanswered)
		r.Elapsed = max(r.Elapsed, g.tally.ended-g.tally.warmup)
		r.Interrupted = r.Interrupted || ctx.Err() != nil && g.tally.ended < g.end
		r.latency.Merge(g.tally.latency)
	}
	return r
}
