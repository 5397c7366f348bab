// Command bench measures a ROUTER/DEALER proxy beside libzmq's own zmq_proxy, in alternating rounds of one run, and prints how they
// compare. `bench/run -h` says how to use it; docs/benchmarks.md says what each case means and holds the last figures.
//
// Load, workers and the baseline are small C programs on libzmq (csrc), compiled when it starts, so that neither side is measured with
// zfleet's own code. measure.go is the order of rounds, scenarios.go what is measured, trial.go one proxy with its peers, report.go what is
// shown. With -growth it measures how zfleet's own cost and memory grow: growth.go, growthloads.go and growthreport.go. With
// -churn it measures what clients notice of what happens to a whole fleet: churn.go, churnloads.go and churnreport.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/bench/page"
)

func main() {
	// Children are to end with this process, also when it is killed. Their parent-death signal comes when the thread that started them ends
	// (prctl(2), PR_SET_PDEATHSIG), so all are started here, on the one thread that lives as long as the process.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// settings are what the flags say.
type settings struct {
	cases   []scenario
	rounds  int
	seconds float64  // of load in one round
	ours    []string // the command to measure, with {fe} and {be} for the endpoints
	json    bool
	singles int    // requests that are measured one by one, of the churn measurements
	docs    string // the file to update, "" for none
	growth  bool   // how zfleet's own figures grow, instead of how it compares
	churn   bool   // what clients notice of what happens to a fleet, instead
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = do(ctx, s, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func do(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	if _, err := exec.LookPath(s.ours[0]); err != nil {
		return fmt.Errorf("cannot measure %s: %w; `make build` makes bin/zfleet", s.ours[0], err)
	}
	switch {
	case s.growth:
		return doGrowth(ctx, s, stdout, stderr)
	case s.churn:
		return doChurn(ctx, s, stdout, stderr)
	}
	r, err := measure(ctx, s, stderr)
	if err != nil {
		return err
	}
	if s.docs != "" {
		if err := page.Update(s.docs, tool, r.text()); err != nil {
			return err
		}
	}
	if s.json {
		return writeJSON(stdout, r)
	}
	_, err = io.WriteString(stdout, r.text())
	return err
}

// tool is how the place for the figures in the docs names this one.
const tool = "bench/run"

const usage = `usage: bench/run [flags] [-- COMMAND...]

Measures COMMAND, a proxy, beside libzmq's zmq_proxy. {fe} and {be} in it become the endpoints to listen at. Default:
  %s

`

var defaultCommand = []string{"bin/zfleet", "proxy", "--frontend", "{fe}", "--backend", "{be}"}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	names := flags.String("case", "", "only these, with commas between: "+scenarioNames())
	output := flags.String("o", "table", "table or json")
	docs := flags.Bool("update-docs", false, "write the table into docs/benchmarks.md")
	flags.BoolVar(&s.growth, "growth", false, "how cost and memory grow with lanes, clients and waiting requests, instead of the cases")
	flags.BoolVar(&s.churn, "churn", false, "what clients notice when a fleet is scaled, restarted, and loses workers, instead of the cases")
	flags.IntVar(&s.rounds, "rounds", 3, "alternating rounds; the median counts")
	flags.IntVar(&s.singles, "singles", 100, "requests that -churn measures one by one")
	flags.Float64Var(&s.seconds, "seconds", 3, "of load in one round")
	flags.Usage = func() {
		fmt.Fprintf(stderr, usage, strings.Join(defaultCommand, " "))
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if *docs {
		s.docs = "docs/benchmarks.md"
	}
	s.json = *output == "json"
	s.ours = flags.Args()
	if len(s.ours) == 0 {
		s.ours = defaultCommand
	}
	var err error
	s.cases, err = scenariosNamed(*names)
	return s, errors.Join(err, s.check(*output))
}

func (s settings) check(output string) error {
	command := strings.Join(s.ours, " ")
	switch {
	case output != "table" && output != "json":
		return fmt.Errorf("cannot print %q: it is table or json", output)
	case s.rounds < 1 || s.singles < 1 || s.seconds < 0.1:
		return errors.New("cannot measure less than one round of 0.1 seconds, and one request")
	case !strings.Contains(command, "{fe}") || !strings.Contains(command, "{be}"):
		return fmt.Errorf("cannot measure %q: it needs {fe} and {be} where its endpoints go", command)
	}
	return nil
}
