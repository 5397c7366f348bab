package autoscale_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/zfleet/zfleet/supervisor/autoscale"
)

// standard is what fleet.toml says by default, with some room.
func standard() autoscale.Policy {
	return autoscale.Policy{
		Min: 1, Max: 40, TargetWait: 50 * time.Millisecond, TargetBusy: 0.75, UpCooldown: 3 * time.Second, DownAfter: time.Minute,
		DownCooldown: 15 * time.Second, IdleAfter: 5 * time.Minute, StartTimeout: 30 * time.Second,
	}
}

// A script is a load on a service in virtual time, and what becomes of the number of workers and of the wait:
//
//	simulate min=1 max=40 service=exponential:20ms startup=1s for=5m every=10s seed=1 counted
//	0s 5          from 0s on, 5 requests a second
//	1m 50
//	----
//	<a line for each step of time: the load, the mean wait of the requests that arrived in it, how many workers there are to be>
//	<the changes, each with its reason, or with "counted" how many>
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			w, every, end := scripted(t, d)
			drawn := timeline(w, every, end)
			if d.HasArg("counted") {
				return drawn + fmt.Sprintf("%d changes\n", len(w.changes()))
			}
			return drawn + told(w)
		})
	})
}

func scripted(t *testing.T, d *datadriven.TestData) (w *world, every, end time.Duration) {
	t.Helper()
	p, seed, want, service := standard(), uint64(1), -1, "exponential:20ms"
	w = &world{startup: time.Second}
	duration := func(key string, into *time.Duration) {
		if d.HasArg(key) {
			var text string
			d.ScanArgs(t, key, &text)
			*into = must(time.ParseDuration(text))
		}
	}
	duration("every", &every)
	duration("for", &end)
	duration("startup", &w.startup)
	duration("target", &p.TargetWait)
	duration("idle_after", &p.IdleAfter)
	d.MaybeScanArgs(t, "min", &p.Min)
	d.MaybeScanArgs(t, "max", &p.Max)
	d.MaybeScanArgs(t, "seed", &seed)
	d.MaybeScanArgs(t, "closed", &w.closed)
	d.MaybeScanArgs(t, "service", &service)
	if !d.MaybeScanArgs(t, "count", &want) {
		want = max(p.Min, 1)
	}
	w.want, w.scaler, w.random = want, autoscale.New(p), rand.New(rand.NewPCG(seed, 0))
	w.service = serviceNamed(service)
	w.load, w.peak = loadOf(d.Input)
	return w, every, end
}

func serviceNamed(name string) func(*rand.Rand) time.Duration {
	kind, mean, _ := strings.Cut(name, ":")
	make := map[string]func(time.Duration) func(*rand.Rand) time.Duration{"exactly": exactly, "exponential": exponential, "pareto": pareto}[kind]
	return make(must(time.ParseDuration(mean)))
}

func loadOf(input string) (load func(time.Duration) float64, peak float64) {
	rates := map[time.Duration]float64{}
	for line := range strings.Lines(input) {
		at, rate, _ := strings.Cut(strings.TrimSpace(line), " ")
		r := must(strconv.ParseFloat(rate, 64))
		rates[must(time.ParseDuration(at))] = r
		peak = max(peak, r)
	}
	return steps(rates), max(peak, 0.001)
}

// timeline draws the number of workers over time.
func timeline(w *world, every, end time.Duration) string {
	var b strings.Builder
	wants := map[time.Duration]int{}
	for at := every; at <= end; at += every {
		w.run(at)
		wants[at] = w.want
	}
	for at := every; at <= end; at += every {
		row := fmt.Sprintf("%7v %5.4g/s %7v |%s", at-every, w.load(at-every), w.wait(at-every, at).Round(time.Millisecond), strings.Repeat("#", wants[at]))
		fmt.Fprintln(&b, row)
	}
	return b.String()
}

// told is all changes.
func told(w *world) string {
	var b strings.Builder
	for _, d := range w.changes() {
		fmt.Fprintf(&b, "%v: %d -> %d %s: %s\n", d.at, d.was, d.Want, d.Cause, d.Reason)
	}
	return b.String()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
