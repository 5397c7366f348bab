package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
)

// usage is what one process holds.
type usage struct {
	Pid        int    `json:"pid"`
	RSS        uint64 `json:"rss"`
	Heap       uint64 `json:"heap"`
	Files      uint64 `json:"files"`
	Goroutines uint64 `json:"goroutines"`
}

// sample is all watched processes at one moment, by name.
type sample map[string]usage

func (f *fleet) sample(ctx context.Context) (sample, error) {
	status, err := f.client.Status(ctx)
	if err != nil {
		return nil, err
	}
	s := sample{}
	if s["supervisor"], err = processUsage(status.Supervisor.Pid, status.Supervisor.Goroutines, status.Supervisor.Heap); err != nil {
		return nil, err
	}
	for _, svc := range status.Services {
		if svc.Proxy.Goroutines == 0 {
			continue // it was busy, or killed
		}
		if u, err := processUsage(svc.Proxy.Pid, svc.Proxy.Goroutines, svc.Proxy.Heap); err == nil {
			s["proxy of "+svc.Name] = u
		}
	}
	return s, nil
}

func processUsage(pid, goroutines int, heap uint64) (u usage, err error) {
	u = usage{Pid: pid, Heap: heap, Goroutines: uint64(goroutines)}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return u, err
	}
	u.Files = uint64(len(files))
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return u, err
	}
	resident, err := strconv.ParseUint(strings.Fields(string(statm))[1], 10, 64) // proc_pid_statm(5): in pages
	u.RSS = resident * uint64(os.Getpagesize())
	return u, err
}

// samples are those of a run: before the load, under it, and when all is quiet again.
type samples struct {
	began  time.Time
	before sample
	under  []sample
	after  sample
	brief  bool // too few for more than the end to mean anything
}

// long is how long a run has to be for its thirds to be compared: a single deed may have a hundred connections open for a second.
const long = 30 * time.Second

// watch looks about a hundred times, and not before the processes have warmed up.
func (s *samples) watch(ctx context.Context, f *fleet, of time.Duration) error {
	every := time.NewTicker(max(of/100, 100*time.Millisecond))
	defer every.Stop()
	seen := time.Now()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
		if time.Since(s.began) < of/5 {
			continue
		}
		now, err := f.sample(ctx)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case err == nil:
			s.under, seen = append(s.under, now), time.Now()
		case time.Since(seen) > patience: // between two supervisors there is nobody to ask
			return fmt.Errorf("cannot look at the fleet: %w", err)
		}
	}
}

// measures are what must not grow, each with what may be added to it without being growth.
var measures = []struct {
	name  string
	of    func(usage) uint64
	slack uint64 // under load
	left  uint64 // in the end; 0: not looked at
}{
	{"rss", func(u usage) uint64 { return u.RSS }, 24 << 20, 0},          // the collector gives pages back minutes later
	{"heap", func(u usage) uint64 { return u.Heap }, 24 << 20, 80 << 20}, // a proxy keeps 64 MiB of idle buffers for a while
	{"files", func(u usage) uint64 { return u.Files }, 40, 10},
	{"goroutines", func(u usage) uint64 { return u.Goroutines }, 20, 10},
}

// growth is one measure of one process. It has grown when the median of the last third of samples is above that of the first third by a
// quarter and the slack, or when more is left in the end than was there before.
type growth struct {
	Process string `json:"process"`
	Measure string `json:"measure"`
	Before  uint64 `json:"before"`
	First   uint64 `json:"first_third"`
	Last    uint64 `json:"last_third"`
	After   uint64 `json:"after"`
	Grown   bool   `json:"grown"`
}

func (s *samples) growths() (all []growth) {
	for _, process := range slices.Sorted(keys(s.before)) {
		for _, m := range measures {
			third := len(s.under) / 3
			g := growth{
				Process: process, Measure: m.name, Before: m.of(s.before[process]), After: m.of(s.after[process]),
				First: median(s.under[:third], process, m.of), Last: median(s.under[len(s.under)-third:], process, m.of),
			}
			g.Grown = !s.brief && g.Last > g.First+g.First/4+m.slack || m.left > 0 && g.After > g.Before+m.left
			all = append(all, g)
		}
	}
	return all
}

func keys(s sample) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range s {
			if !yield(k) {
				return
			}
		}
	}
}

func median(of []sample, process string, what func(usage) uint64) uint64 {
	var values []uint64
	for _, s := range of {
		if u, ok := s[process]; ok {
			values = append(values, what(u))
		}
	}
	if len(values) == 0 {
		return 0
	}
	slices.SortFunc(values, cmp.Compare)
	return values[len(values)/2]
}

// calm makes the fleet what it was and waits until nothing is left of chaos.
func (f *fleet) calm(ctx context.Context, before sample) (sample, error) {
	if _, err := f.reload(ctx, workersAtFirst, false); err != nil {
		return nil, err
	}
	n := workersAtFirst
	for _, svc := range f.services {
		if _, err := f.client.Scale(ctx, admin.ScaleRequest{Service: svc.name, Count: &n}); err != nil {
			return nil, err
		}
	}
	if _, err := f.until(ctx, "the fleet to be calm", isCalm); err != nil {
		return nil, err
	}
	var now sample
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var err error
		if now, err = f.sample(ctx); err != nil {
			return nil, err
		}
		if !(&samples{before: before, after: now}).anyGrown() || time.Now().After(end) {
			return now, nil
		}
	}
}

func (s *samples) anyGrown() bool {
	return slices.ContainsFunc(s.growths(), func(g growth) bool { return g.Grown })
}

// isCalm: all workers are ready, and nobody else is there.
func isCalm(s admin.Status) bool {
	for _, svc := range s.Services {
		if svc.Leaving || len(svc.Workers) != workersAtFirst || svc.Clients+svc.Queued+len(svc.Foreign) > 0 {
			return false
		}
	}
	return isUp(s)
}
