// Command policies says how long requests wait for a worker, by who decides which one: proxy/dispatch itself, or what is done elsewhere. It
// simulates thousands of workers in virtual time, so it takes no network and no second machine, and prints a table.
//
// All policies get the same requests at the same times with the same service times. load.go is what comes, the policies are in files of
// their own, run.go is the one simulation, report.go what is shown. `go run ./bench/policies -h` says how to use it.
//
// With -unequal it is told instead what clients notice when some of a dozen workers are worse than the others: unequal.go and suffer.go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/zfleet/zfleet/bench/page"
)

const (
	docs = "docs/benchmarks.md"
	tool = "bench/policies" // how the place for the figures in the docs names this

	unequalTool = tool + " -unequal"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	s, update, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = show(s, update, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "policies: %v\n", err)
		return 1
	}
	return 0
}

func show(s settings, update bool, stdout io.Writer) error {
	text, place := "", tool
	if s.unequal {
		text, place = unequalReport(s), unequalTool
	} else {
		text = report(s, compare(s))
	}
	if update {
		if err := page.Update(docs, place, text); err != nil {
			return err
		}
	}
	_, err := io.WriteString(stdout, text)
	return err
}

// settings are what the flags say.
type settings struct {
	lanes, clients, requests int
	rtt                      time.Duration // between proxy and worker
	seed                     uint64
	unequal                  bool // the other table: some workers are worse than the others
}

func parse(args []string, stderr io.Writer) (s settings, update bool, err error) {
	flags := flag.NewFlagSet("policies", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.lanes, "lanes", 10_000, "workers")
	flags.IntVar(&s.clients, "clients", 2000, "who send the requests")
	flags.IntVar(&s.requests, "requests", 2_000_000, "in each run; the second half counts")
	flags.DurationVar(&s.rtt, "rtt", 50*time.Microsecond, "network round trip between proxy and worker")
	flags.Uint64Var(&s.seed, "seed", 1, "of the requests")
	flags.BoolVar(&s.unequal, "unequal", false, "with a dozen workers of which some fail or are slow, which zfleet ejects or not")
	flags.BoolVar(&update, "update-docs", false, "write the table into "+docs)
	flags.Usage = func() {
		fmt.Fprint(stderr, "usage: go run ./bench/policies [flags]\n\nSimulates how long requests wait for a worker, by policy.\n\n")
		flags.PrintDefaults()
		fmt.Fprint(stderr, "\nexample: go run ./bench/policies -lanes 100 -requests 1000000 -rtt 200us\n")
	}
	if err := flags.Parse(args); err != nil {
		return s, update, err
	}
	if s.lanes < 1 || s.clients < 1 || s.requests < 100 || s.rtt < 0 {
		return s, update, errors.New("cannot simulate less than one worker, one client and 100 requests, nor a negative round trip")
	}
	return s, update, nil
}
