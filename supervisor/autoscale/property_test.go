package autoscale_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zfleet/zfleet/supervisor/autoscale"
)

func service(mean time.Duration) string { return fmt.Sprint("S=", mean) }

// Under a load that does not change, the number of workers changes a few times at most, whatever chance does: not at all where
// requests are quick, and now and then where one takes longer than the wait that is wanted, so that any queue at all is too long.
func TestNoFlapping(t *testing.T) {
	const settled, end = 5 * time.Minute, 20 * time.Minute
	for _, c := range []struct {
		name   string
		of     func(time.Duration) func(*rand.Rand) time.Duration
		mean   time.Duration
		busy   float64 // lanes, on average
		at     int     // most changes after it has settled
		enough int     // workers, at most
	}{
		{"exactly", exactly, 20 * time.Millisecond, 0.3, 2, 2},
		{"exactly", exactly, 20 * time.Millisecond, 3, 2, 6},
		{"exponential", exponential, 20 * time.Millisecond, 0.3, 10, 3},
		{"exponential", exponential, 20 * time.Millisecond, 3, 10, 8},
		{"exponential", exponential, 200 * time.Millisecond, 3, 20, 12},
		{"exponential", exponential, 2 * time.Second, 3, 24, 16},
		{"exponential", exponential, 2 * time.Second, 15, 24, 30},
		{"pareto", pareto, 20 * time.Millisecond, 3, 20, 12},
		{"pareto", pareto, 200 * time.Millisecond, 3, 24, 16},
	} {
		t.Run(c.name+" "+service(c.mean)+fmt.Sprint(" busy=", c.busy), func(t *testing.T) {
			rate := c.busy / c.mean.Seconds()
			w := &world{
				scaler: autoscale.New(standard()), random: rand.New(rand.NewPCG(7, 7)), load: steady(rate), peak: rate,
				service: c.of(c.mean), startup: time.Second, want: 1,
			}
			w.run(end)
			late, most := 0, 0
			for _, d := range w.changes() {
				if d.at > settled {
					late++
					most = max(most, d.was, d.Want)
				}
			}
			if late > c.at || most > c.enough {
				t.Errorf("%d changes, want %d at most; %d workers, want %d at most\n%s", late, c.at, most, c.enough, told(w))
			}
			if wait := w.wait(settled, end); wait > standard().TargetWait {
				t.Errorf("requests waited %v", wait)
			}
		})
	}
}

// After a step the wait is back under the target within some seconds more than workers take to start, and not with far more workers than
// it takes.
func TestAStepIsFollowed(t *testing.T) {
	for _, startup := range []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second} {
		for _, mean := range []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
			for _, times := range []float64{3, 20} {
				t.Run(fmt.Sprint("startup=", startup, " ", service(mean), " times=", times), func(t *testing.T) {
					const step = 5 * time.Minute
					before := 0.5 / mean.Seconds()
					w := &world{
						scaler: autoscale.New(standard()), random: rand.New(rand.NewPCG(3, 3)), peak: before * times,
						load:    steps(map[time.Duration]float64{0: before, step: before * times}),
						service: exponential(mean), startup: startup, want: 1,
					}
					limit := step + 2*startup + 10*time.Second
					w.run(limit + 30*time.Second)
					if wait := w.wait(limit, limit+30*time.Second); wait > standard().TargetWait {
						t.Errorf("%v after the step requests still wait %v\n%s", limit-step, wait, told(w))
					}
					if most := int(0.5*times/0.75)*3 + 6; w.want > most {
						t.Errorf("%d workers, want %d at most\n%s", w.want, most, told(w))
					}
				})
			}
		}
	}
}

// From nothing to the first request's worker takes no longer than it takes to look, and to start.
func TestTheFirstRequestWakesAService(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := standard()
		p.Min, p.IdleAfter = 0, time.Minute
		first := time.Duration(rapid.IntRange(0, 10_000).Draw(t, "first_ms")) * time.Millisecond
		again := first + time.Duration(rapid.IntRange(62, 200).Draw(t, "again_s"))*time.Second
		w := &world{scaler: autoscale.New(p), random: rand.New(rand.NewPCG(1, 1)), load: steady(0), peak: 0.001, service: exactly(30 * time.Millisecond), startup: 400 * time.Millisecond}
		w.in(first, w.request)
		w.in(again, w.request)
		w.run(again + 5*time.Second)
		if len(w.delivered) != 2 {
			t.Fatalf("%d of 2 requests were delivered", len(w.delivered))
		}
		for _, d := range w.delivered {
			if d.waited > w.startup+100*time.Millisecond {
				t.Errorf("the request of %v waited %v\n%s", d.arrived, d.waited, told(w))
			}
		}
		if changes := w.changes(); len(changes) != 3 || changes[1].Want != 0 {
			t.Errorf("want up, to zero, and up:\n%s", told(w))
		}
	})
}

// Whatever is observed, nonsense too, there are to be from min to max workers, and the next look is soon.
func TestWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := standard()
		p.Min = rapid.IntRange(0, 5).Draw(t, "min")
		p.Max = max(p.Min, 1) + rapid.IntRange(0, 10).Draw(t, "more")
		p.TargetBusy = rapid.Float64Range(0.1, 1).Draw(t, "busy")
		p.UpCooldown = rapid.SampledFrom([]time.Duration{0, 3 * time.Second}).Draw(t, "up_cooldown")
		p.StartTimeout = rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(t, "start_timeout")
		s := autoscale.New(p)
		number := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		o := autoscale.Observation{At: epoch, Wanted: number("count", 60)}
		for range number("steps", 40) {
			o.At = o.At.Add(time.Duration(rapid.SampledFrom([]int{500, 500, 500, 500, 100, 3000, 7000, -1}).Draw(t, "ms")) * time.Millisecond)
			o.Since = epoch.Add(time.Duration(number("proxy", 10)/10) * time.Hour)
			o.Waiting, o.Held, o.Working = number("waiting", 100_000), number("held", 1000), number("working", 100)
			o.Oldest = time.Duration(number("oldest", 1e12))
			o.Lanes, o.Foreign, o.Ready = number("lanes", 100), number("foreign", 10), number("ready", 60)
			o.Totals.Requests += uint64(number("requests", 1e6))
			o.Totals.Delivered += uint64(number("delivered", 1e6))
			o.Totals.Answered += uint64(number("answered", 1e6))
			o.Totals.Waited += time.Duration(rapid.Int64Range(-10, 1e12).Draw(t, "waited"))
			o.Totals.Busy += time.Duration(rapid.Int64Range(-10, 1e12).Draw(t, "busy_time"))
			d := s.Decide(o)
			if d.Want < p.Min || d.Want > p.Max {
				t.Fatalf("%d workers: %+v", d.Want, d)
			}
			if d.Again <= 0 || d.Again > time.Second || d.Reason == "" || d.Penalty < 1 || d.Penalty > 16 {
				t.Fatalf("decision %+v", d)
			}
			o.Wanted = d.Want
		}
	})
}

// Under any load the simulation stays within the bounds too, also where more workers would be needed than there may be.
func TestALoadAboveMaxStaysAtMax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := standard()
		p.Max = rapid.IntRange(1, 8).Draw(t, "max")
		mean := time.Duration(rapid.IntRange(30, 200).Draw(t, "ms")) * time.Millisecond
		rate := rapid.Float64Range(1.5, 5).Draw(t, "times") * float64(p.Max) / mean.Seconds()
		w := &world{
			scaler: autoscale.New(p), random: rand.New(rand.NewPCG(2, 2)), load: steady(rate), peak: rate, service: exponential(mean),
			startup: 300 * time.Millisecond, want: 1,
		}
		w.run(30 * time.Second)
		for _, d := range w.changes() {
			if d.Want < d.was || d.Want > p.Max {
				t.Fatalf("%d to %d\n%s", d.was, d.Want, told(w))
			}
		}
		if w.want != p.Max {
			t.Fatalf("%d workers, want %d\n%s", w.want, p.Max, told(w))
		}
	})
}

// What is old, or of another proxy, or comes after a gap, starts no worker and stops none.
func TestStaleDataChangesNothing(t *testing.T) {
	flood := autoscale.Observation{
		At: epoch, Waiting: 1000, Oldest: time.Minute, Held: 2, Working: 2, Lanes: 2, Ready: 2, Wanted: 2,
		Totals: autoscale.Totals{Requests: 2000, Delivered: 1000, Answered: 998, Waited: time.Hour, Busy: time.Minute},
	}
	p := standard()
	p.StartTimeout = 0
	for name, change := range map[string]func(*autoscale.Observation, int){
		"the same again":  func(*autoscale.Observation, int) {},
		"older each time": func(o *autoscale.Observation, i int) { o.At = epoch.Add(-time.Duration(i) * time.Second) },
		"with gaps":       func(o *autoscale.Observation, i int) { o.At = epoch.Add(time.Duration(i) * time.Minute) },
		"of other proxies": func(o *autoscale.Observation, i int) {
			o.At = epoch.Add(time.Duration(i) * time.Second)
			o.Since = o.At
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := autoscale.New(p)
			for i := range 20 {
				o := flood
				o.Totals.Requests += uint64(1000 * i)
				o.Totals.Delivered += uint64(100 * i)
				o.Totals.Answered += uint64(100 * i)
				o.Totals.Busy += time.Duration(i) * 2 * time.Second
				change(&o, i)
				if d := s.Decide(o); d.Want != o.Wanted {
					t.Fatalf("%d: %+v", i, d)
				}
			}
			staysBusy(t, s, flood)
		})
	}
}

// staysBusy: what was stale has left nothing behind that would take away workers with all hands full.
func staysBusy(t *testing.T, s *autoscale.Scaler, o autoscale.Observation) {
	t.Helper()
	o.At, o.Waiting, o.Oldest = o.At.Add(time.Hour), 0, 0
	for range 600 {
		o.At = o.At.Add(500 * time.Millisecond)
		o.Totals.Requests, o.Totals.Delivered, o.Totals.Answered = o.Totals.Requests+50, o.Totals.Delivered+50, o.Totals.Answered+50
		o.Totals.Busy += time.Second
		if d := s.Decide(o); d.Want != o.Wanted {
			t.Fatalf("busy all the time: %+v", d)
		}
	}
}

// Without data for a while, nothing is done when it comes back but to look: neither for the queue that has grown nor for the idle time.
func TestABlindTimeIsNotJudged(t *testing.T) {
	p := standard()
	p.Min, p.IdleAfter = 0, time.Minute
	w := &world{
		scaler: autoscale.New(p), random: rand.New(rand.NewPCG(1, 1)), load: steady(0), peak: 0.001, service: exactly(30 * time.Millisecond),
		startup: time.Second, want: 4, blind: func(at time.Duration) bool { return at > 30*time.Second && at < 10*time.Minute },
	}
	w.run(10*time.Minute + 50*time.Second)
	if changes := w.changes(); len(changes) != 0 {
		t.Errorf("changed:\n%s", told(w))
	}
	w.run(12 * time.Minute)
	if w.want != 0 {
		t.Errorf("never idle:\n%s", told(w))
	}
}

// Lanes of others do a part of the work, and a worker may have several.
func TestLanesOfOthersCount(t *testing.T) {
	for _, c := range []struct{ lanes, foreign, want int }{{2, 0, 14}, {8, 0, 4}, {2, 10, 4}, {2, 30, 3}} {
		s := autoscale.New(standard())
		o := autoscale.Observation{At: epoch, Wanted: 2, Ready: 2, Lanes: c.lanes, Foreign: c.foreign}
		var d autoscale.Decision
		for range 80 {
			o.At = o.At.Add(500 * time.Millisecond)
			o.Working = 10
			o.Held = o.Working
			o.Totals.Requests += 500
			o.Totals.Delivered += 500
			o.Totals.Answered += 500
			o.Totals.Busy += 5 * time.Second               // ten lanes all the time
			o.Totals.Waited += 500 * 60 * time.Millisecond // and a wait that is too long
			if d = s.Decide(o); d.Want != o.Wanted {
				break
			}
		}
		if d.Want != c.want || d.Cause != autoscale.Waits {
			t.Errorf("lanes %d, foreign %d: %+v, want %d", c.lanes, c.foreign, d, c.want)
		}
	}
}
