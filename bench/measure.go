package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// A side is one of those that are compared.
type side string

const (
	baseline side = "zmq_proxy"
	ours     side = "zfleet"
	direct   side = "direct"  // no proxy: what latency is counted from
	relay    side = "haproxy" // a bare TCP relay: the least that a proxy can add
)

// figures are what one round gave, by name: rps, p50, cpu and so on. The programs in csrc print most of them.
type figures map[string]float64

// rounds are the figures of every round, by side.
type rounds map[side][]figures

// measure runs all cases. What it is doing goes to progress, one line a round and side.
func measure(ctx context.Context, s settings, progress io.Writer) (report, error) {
	dir, err := os.MkdirTemp("", "zfleet-bench-")
	if err != nil {
		return report{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := compile(ctx, dir); err != nil {
		return report{}, err
	}
	r := report{Date: time.Now().UTC().Format(time.DateOnly), Commit: commit(ctx), Machine: machine(ctx), Command: strings.Join(s.ours, " "),
		Rounds: s.rounds, Seconds: s.seconds}
	for _, c := range s.cases {
		all, err := c.measure(ctx, s, dir, progress)
		if err != nil {
			return report{}, fmt.Errorf("cannot measure %s: %w", c.name, err)
		}
		r.add(c, all)
	}
	return r, nil
}

// measure runs one case's rounds. Who goes first changes from round to round: machines grow warm and tired.
func (c scenario) measure(ctx context.Context, s settings, dir string, progress io.Writer) (rounds, error) {
	sides := c.sides()
	all := rounds{}
	for range s.rounds {
		for _, side := range sides {
			f, err := c.once(ctx, s, dir, side)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", side, err)
			}
			fmt.Fprintf(progress, "%-10s %-10s %s\n", c.name, side, f)
			all[side] = append(all[side], f)
		}
		slices.Reverse(sides)
	}
	return all, nil
}

// once is one round of one side.
func (c scenario) once(ctx context.Context, s settings, dir string, on side) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute+10*seconds(s.seconds))
	defer cancel()
	t := &trial{ctx: ctx, dir: dir, seconds: s.seconds}
	defer t.end()
	if err := t.open(on, s.ours); err != nil {
		return nil, err
	}
	f, err := c.load(t)
	if err != nil {
		return nil, t.blame(err)
	}
	return f, nil
}

// String gives the figures in a fixed order.
func (f figures) String() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		out = append(out, fmt.Sprintf("%s=%.4g", name, f[name]))
	}
	return strings.Join(out, " ")
}

// medians takes the median of every figure over the rounds.
func medians(all []figures) figures {
	m := figures{}
	for name := range all[0] {
		var values []float64
		for _, f := range all {
			values = append(values, f[name])
		}
		m[name] = median(values)
	}
	return m
}

func median(values []float64) float64 {
	slices.Sort(values)
	mid := len(values) / 2
	if len(values)%2 == 0 {
		return (values[mid-1] + values[mid]) / 2
	}
	return values[mid]
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
