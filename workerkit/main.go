package workerkit

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rs/zerolog"
	"github.com/zfleet/zfleet/workerkit/control"
)

// Main is a worker's main. It finds out how the process was started, works until it is told to end, and exits; it does not return.
//
//   - As a plugin, by zfleet: it serves the control service and connects where that says.
//   - As a plain command, by zfleet (ZFLEET_BACKEND is set): it connects there.
//   - By hand with --connect: it connects there.
//   - By hand: it says what it is and how to use it.
//
// The exit status is 0 after a drain, 1 when the worker could not start or had to give requests up, 2 for wrong usage. Settings of the
// worker's own belong into the environment (`env` in fleet.toml): Main reads the arguments.
func Main(h Handler, opts ...Option) {
	p := &program{handler: h, options: buildOptions(opts), stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(os.Args[1:]))
}

// program is Main before it knows what kind of process it is.
type program struct {
	handler        Handler
	options        options
	stdout, stderr io.Writer
}

func (p *program) run(args []string) int {
	if isPlugin {
		return p.runPlugin()
	}
	f, err := p.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		p.help(p.stdout)
		return 0
	case err != nil:
		fmt.Fprintf(p.stderr, "%s: %v\nhint: %s --help\n", p.options.name, err, p.options.name)
		return 2
	case f.version:
		fmt.Fprintln(p.stdout, p.options.name, p.options.version)
		return 0
	case len(f.endpoints) == 0:
		p.help(p.stderr)
		return 2
	}
	return p.runCommand(f)
}

// flags is what can be said by hand.
type flags struct {
	endpoints   []string
	concurrency int
	version     bool
}

func (p *program) parse(args []string) (flags, error) {
	f := flags{endpoints: strings.Fields(os.Getenv(control.EnvBackend)), concurrency: p.options.concurrency}
	set := flag.NewFlagSet(p.options.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	var given []string
	set.Func("connect", "", func(endpoint string) error { given = append(given, endpoint); return nil })
	set.IntVar(&f.concurrency, "concurrency", f.concurrency, "")
	set.BoolVar(&f.version, "version", false, "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if given != nil {
		f.endpoints = given
	}
	return f, f.check(set.Args())
}

func (f flags) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("cannot use the argument %q: there are only flags", rest[0])
	}
	if f.concurrency < 1 {
		return fmt.Errorf("cannot handle %d requests at a time: --concurrency must be 1 or more", f.concurrency)
	}
	return nil
}

// runCommand is a worker that was told by flags or environment where to connect.
func (p *program) runCommand(f flags) int {
	log := newLog(os.Stderr)
	lifeline, err := takeLifeline()
	if err != nil {
		log.Error().Msg(err.Error())
		return 1
	}
	proc := p.process(log, lifeline != nil)
	proc.watchSignals()
	if lifeline != nil {
		go proc.watchLifeline(lifeline)
	}
	proc.place <- place{Backend{Endpoints: f.endpoints}, f.concurrency}
	return proc.main()
}

func (p *program) process(log zerolog.Logger, supervised bool) *process {
	return newProcess(newWorker(log.WithContext(context.Background()), p.handler, p.options), supervised)
}
