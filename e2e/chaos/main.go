// Command chaos runs a whole fleet under numbered requests of real libzmq clients while everything around it fails: workers are killed,
// stopped and hung, foreign ones break every rule of the protocol, peers come and go, the fleet is scaled. In the end every request must
// have its own reply, once, and the processes must not have grown. `make chaos` runs it; CONTRIBUTING.md says how to replay a seed.
//
// plan.go is what is done, seeded; deeds.go and foreign.go do it; client.go asks and keeps the books; sample.go watches the processes;
// report.go is what is told of it all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if endpoint := os.Getenv(asWorker); endpoint != "" {
		repWorker(endpoint)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// settings are what the flags say.
type settings struct {
	time       time.Duration // under load and chaos
	seed       uint64
	rate       float64 // requests a second, of all clients together
	proxyKills bool
	race       bool
	bin        string // folder of the programs under test; "": they are built
	json       bool
}

// run gives the exit status: 0 when all is well, 1 when a count is off, 2 when it could not be found out.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "chaos: %v\n", err)
		return 2
	}
	runtime.LockOSThread() // children die with the thread that started them (prctl(2), PR_SET_PDEATHSIG)
	defer runtime.UnlockOSThread()
	fmt.Fprintf(stderr, "chaos: %v with -seed %d\n", s.time, s.seed)
	r, err := play(ctx, s, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "chaos: %v (-seed %d)\n", err, s.seed)
		return 2
	}
	if err := r.write(stdout, s.json); err != nil {
		fmt.Fprintf(stderr, "chaos: %v\n", err)
		return 2
	}
	if len(r.Wrongs) > 0 {
		r.tell(stderr)
		return 1
	}
	return 0
}

const help = `usage: go run ./e2e/chaos [flags]

Runs a fleet under load and chaos. Exits with 1 when a request was lost, answered twice or wrongly, or a process grew. Example:
  go run ./e2e/chaos -time 1m -seed 42 -o json

`

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&s.time, "time", 10*time.Minute, "of load and chaos")
	flags.Uint64Var(&s.seed, "seed", 0, "plays the plan of an earlier run again; 0 makes a new one")
	flags.Float64Var(&s.rate, "rate", 300, "requests a second")
	flags.BoolVar(&s.proxyKills, "proxy-kills", false, "kill proxies too; clients are then REQ sockets that ask again")
	flags.BoolVar(&s.race, "race", false, "build zfleet and its plugins with the race detector")
	flags.StringVar(&s.bin, "bin", "", "folder with zfleet and misbehave, instead of building them")
	output := flags.String("o", "table", "table or json")
	flags.Usage = func() {
		fmt.Fprint(stderr, help)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.seed == 0 {
		s.seed = uint64(time.Now().UnixNano())
	}
	s.json = *output == "json"
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("cannot use the argument %q: there are flags only", flags.Arg(0))
	case *output != "table" && *output != "json":
		return s, fmt.Errorf("cannot print %q: it is table or json", *output)
	case s.time < time.Second || s.rate < 1:
		return s, errors.New("cannot make chaos for less than a second, or with less than a request a second")
	}
	return s, nil
}
