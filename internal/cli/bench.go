package cli

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/load"
)

type bench struct {
	ui      *tui
	where   where
	out     *output
	opts    load.Options
	payload string
}

func newBenchCommand(ui *tui) *cobra.Command {
	b := &bench{ui: ui}
	cmd := &cobra.Command{
		Use:   "bench ENDPOINT|SERVICE",
		Short: "Make load with real clients, and measure the replies",
		Long: `Make load on a service with real libzmq clients, and measure its replies.

Closed loop, the default: each client has --outstanding requests under way and sends the next one when a
reply comes, so the service sets the pace. With 1 outstanding clients are REQ sockets, else DEALERs.
Open loop, with --rate: so many requests a second of all clients together, whatever the replies do. Latency
counts from the moment at which a request was due: a service that holds up its clients cannot hide it.

A payload is the request's number in --size digits, or the text, @FILE or - of --payload. With --echo
each reply has to be its request's payload. Interrupted, it prints what it has measured so far.`,
		Example: `  zfleet bench hello
  zfleet bench hello --rate 5000 --clients 100 --duration 1m
  zfleet bench tcp://127.0.0.1:5559 --clients 2000 --echo -o json`,
		Args:              b.args,
		RunE:              func(cmd *cobra.Command, args []string) error { return b.run(cmd, args[0]) },
		ValidArgsFunction: b.where.completeService,
	}
	b.where.flags(cmd)
	b.out = newOutput(cmd, "table")
	b.flags(cmd)
	return cmd
}

func (b *bench) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVarP(&b.opts.Clients, "clients", "c", 8, "how many clients")
	flags.IntVarP(&b.opts.Outstanding, "outstanding", "n", 1, "requests that each client has under way, in closed loop")
	flags.Float64VarP(&b.opts.Rate, "rate", "r", 0, "requests a second of all clients together, in open loop; 0: closed loop")
	flags.IntVar(&b.opts.Size, "size", 16, "bytes of a payload")
	flags.StringVar(&b.payload, "payload", "", "what to send, instead of numbers: a text, @FILE, or - for stdin")
	flags.BoolVar(&b.opts.Echo, "echo", false, "the service echoes: count replies that are not their request's payload")
	flags.DurationVarP(&b.opts.Duration, "duration", "d", 10*time.Second, "how long to measure")
	flags.DurationVar(&b.opts.Warmup, "warmup", time.Second, "how long before that to make load without measuring")
	flags.DurationVar(&b.opts.Patience, "timeout", 5*time.Second, "how long to wait for replies that are missing at the end")
	cmd.MarkFlagsMutuallyExclusive("outstanding", "rate")
	cmd.MarkFlagsMutuallyExclusive("size", "payload")
}

// mostClients keeps a slip from taking the whole machine: a million sockets do not fit into one process.
const mostClients = 100_000

func (b *bench) args(cmd *cobra.Command, args []string) error {
	o := b.opts
	switch {
	case len(args) != 1:
		return usagef(cmd, "a bench needs one endpoint or service, and there are %d arguments", len(args))
	case o.Clients < 1 || o.Clients > mostClients:
		return usagef(cmd, "--clients must be from 1 to %d", mostClients)
	case o.Outstanding < 1:
		return usagef(cmd, "--outstanding must be more than 0")
	case !(o.Rate >= 0 && o.Rate <= 1e7): // not NaN either
		return usagef(cmd, "--rate must be from 0 to 10000000")
	case o.Size < 0 || o.Size > 1<<30:
		return usagef(cmd, "--size must be from 0 to %d", 1<<30)
	case o.Duration <= 0:
		return usagef(cmd, "--duration must be more than 0")
	case o.Warmup < 0 || o.Patience < 0:
		return usagef(cmd, "--warmup and --timeout must not be negative")
	}
	return nil
}

func (b *bench) run(cmd *cobra.Command, arg string) error {
	to, err := b.where.target(cmd.Context(), b.ui, arg)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("payload") {
		payloads, err := b.ui.payloads([]string{b.payload})
		if err != nil {
			return err
		}
		b.opts.Payload = payloads[0]
	}
	if err := to.reach(cmd.Context(), defaultTimeout); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second one ends it at once
	defer stop()
	b.opts.Endpoint = to.String()
	r, err := b.measure(ctx)
	if err != nil {
		return fmt.Errorf("cannot measure %s: %w", to.name, err)
	}
	b.show(to, r)
	return outcome(to, r)
}

// measure makes the load; on a terminal a line tells how it goes.
func (b *bench) measure(ctx context.Context) (load.Result, error) {
	var progress load.Progress
	if !isTerminal(b.ui.err) {
		return load.Run(ctx, b.opts, &progress)
	}
	done := make(chan struct{})
	told := make(chan struct{})
	go func() {
		defer close(told)
		b.tell(&progress, done)
	}()
	r, err := load.Run(ctx, b.opts, &progress)
	close(done)
	<-told
	return r, err
}

// outcome is why the command does not end well: nobody answered, or not as a good service does.
func outcome(to target, r load.Result) error {
	answered := r.Replies + r.Errors
	switch {
	case r.Wrong+r.Doubled > 0:
		return fmt.Errorf("%s gave %d wrong and %d doubled replies", to.name, r.Wrong, r.Doubled)
	case answered == 0 && r.Unanswered > 0 && !r.Interrupted:
		return &lateError{fmt.Sprintf("no reply from %s", to.name), "zfleet ps shows whether workers are ready"}
	}
	return nil
}
