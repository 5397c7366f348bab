package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"
)

// churnCase is one thing that happens to a fleet, and what clients notice.
type churnCase struct {
	name    string
	what    string // for the table's reader
	workers int
	load    func(*fleet) (figures, error)
	rows    func(rows *figureRows, load string, f figures)
}

var churnCases = []churnCase{
	{"scaling", "scaled from 1 to 20 workers and back without a pause, under 80 % of what one can do", 1,
		func(f *fleet) (figures, error) { return f.disturbed(1, f.scaleUpAndDown) }, disturbedRows},
	{"rolling", "4 workers, rolling restarts without a pause, under 80 % of what they can do", 4,
		func(f *fleet) (figures, error) { return f.disturbed(4, f.restartAll) }, disturbedRows},
	{"death", "3 workers, of which one kills itself with SIGKILL when it gets the request", 3, (*fleet).deaths, deathRows},
	{"growing", "no worker, one request waits, `zfleet scale echo=+1`", 0, (*fleet).growing, growingRows},
}

// measure is one run of one case.
func (c churnCase) measure(ctx context.Context, s settings, dir string) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute+10*seconds(s.seconds))
	defer cancel()
	t := &trial{ctx: ctx, dir: dir, seconds: s.seconds, singles: s.singles}
	defer t.end()
	f, err := t.up(s.ours[0], c.workers)
	if err != nil {
		return nil, t.blame(err)
	}
	figures, err := c.load(f)
	if err != nil {
		return nil, t.blame(err)
	}
	return figures, f.down()
}

const (
	takes   = "sleep 5ms" // what each request asks of its worker
	share   = 0.8         // of what the workers can do
	clients = 8
)

// disturbed measures the clients' waits in a quiet fleet, then again while something is done to it over and over.
func (f *fleet) disturbed(workers int, deed func() error) (figures, error) {
	rate, err := f.rate(workers)
	if err != nil {
		return nil, err
	}
	quiet, err := f.run("open", f.frontend, clients, rate, f.seconds, takes)
	if err != nil {
		return nil, err
	}
	before, err := f.ps()
	if err != nil {
		return nil, err
	}
	load := f.start("open", f.frontend, clients, rate, f.seconds, takes)
	deeds := 0
	for ; !load.over(); deeds++ {
		if err := deed(); err != nil {
			return nil, err
		}
	}
	churned, err := load.figures(f.ctx)
	if err != nil {
		return nil, err
	}
	after, err := f.ps()
	churned["quiet"], churned["deeds"], churned["rate"] = quiet["p99"], float64(deeds), rate
	churned["redelivered"] = after.Counters.Redelivered - before.Counters.Redelivered
	return churned, err
}

// rate is the load, in requests a second, of which each worker is busy for the share: counted from how long a lone request takes.
func (f *fleet) rate(workers int) (float64, error) {
	lone, err := f.run("open", f.frontend, 1, 20, min(f.seconds, 3), takes)
	return math.Round(share * float64(workers) * 1e6 / lone["p50"]), err
}

// over says whether a process has ended.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (f *fleet) scaleUpAndDown() error {
	for _, to := range []string{"echo=20", "echo=1"} {
		if _, err := f.do("scale", to); err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) restartAll() error {
	_, err := f.do("restart", "echo")
	return err
}

// deaths measures how long a request takes whose worker dies of it: it is the next one that answers.
func (f *fleet) deaths() (figures, error) {
	var sample []float64
	failed := 0.0
	for i := range f.singles {
		path := filepath.Join(filepath.Dir(f.file), fmt.Sprint("death-", i))
		one, err := f.run("ask", f.frontend, "once "+path+" kill", "echo")
		if err == nil {
			err = f.until(func(s service) bool { return s.Ready == s.Want })
		}
		if err != nil {
			return nil, err
		}
		sample, failed = append(sample, one["us"]/1e3), failed+one["errors"]
	}
	return percentiles(sample, figures{"errors": failed}), nil
}

// growing measures how long it takes from the command to the reply of the worker that it starts.
func (f *fleet) growing() (figures, error) {
	var sample []float64
	failed := 0.0
	for range f.singles {
		client := f.start("ask", f.frontend, "echo")
		if err := client.says(f.ctx, "sent"); err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := f.do("scale", "echo=+1", "--no-wait"); err != nil {
			return nil, err
		}
		one, err := client.figures(f.ctx)
		if err != nil {
			return nil, err
		}
		sample, failed = append(sample, time.Since(began).Seconds()*1e3), failed+one["errors"]
		if _, err := f.do("scale", "echo=0"); err != nil {
			return nil, err
		}
	}
	return percentiles(sample, figures{"errors": failed}), nil
}

func percentiles(sample []float64, f figures) figures {
	slices.Sort(sample)
	at := func(share float64) float64 { return sample[int(float64(len(sample))*share)] }
	f["p50"], f["p99"], f["n"] = at(0.5), at(0.99), float64(len(sample))
	return f
}
