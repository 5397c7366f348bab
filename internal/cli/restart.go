package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
)

// restartTimeout: a roll may wait for the requests of each worker, one after the other.
const restartTimeout = 10 * time.Minute

type restart struct {
	ui                      *tui
	where                   where
	all, goOn, undo, noWait bool
	timeout                 time.Duration
}

func newRestartCommand(ui *tui) *cobra.Command {
	r := &restart{ui: ui}
	cmd := &cobra.Command{
		Use:   "restart SERVICE[/SLOT] ...",
		Short: "Replace workers by new ones, without losing a request",
		Long: `Replace the workers of one or more services, or one worker, by new ones: each new one is up and ready before its
old one drains, so nothing is lost and nothing is run twice. max_surge in the fleet file says how many at a time.
The proxy is not restarted. Returns when all are replaced.

When new workers fail, the rolling restart freezes: those that are not replaced yet go on serving, and the command
fails with the reason. Mend it and --continue, or restart again; or give up with --undo: then who has not been
replaced stays, and who has stays too. A restart while another is under way becomes part of it.`,
		Example:           "  zfleet restart hello\n  zfleet restart hello/3\n  zfleet restart --all --no-wait\n  zfleet restart hello --continue",
		RunE:              func(cmd *cobra.Command, args []string) error { return r.run(cmd, args) },
		ValidArgsFunction: r.complete,
	}
	r.where.flags(cmd)
	cmd.Flags().BoolVar(&r.all, "all", false, "all services of the fleet")
	cmd.Flags().BoolVar(&r.goOn, "continue", false, "let a frozen restart go on")
	cmd.Flags().BoolVar(&r.undo, "undo", false, "give up a restart that is under way or frozen")
	cmd.Flags().BoolVar(&r.noWait, "no-wait", false, "return at once")
	cmd.Flags().DurationVar(&r.timeout, "timeout", restartTimeout, "how long to wait until all are replaced; 0: as long as it takes")
	return cmd
}

func (r *restart) run(cmd *cobra.Command, args []string) error {
	requests, err := r.parse(cmd, args)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	var names []string
	for _, req := range requests {
		names = append(names, req.Service)
	}
	client, err := r.where.clientFor(ctx, r.ui, names)
	if err != nil {
		return err
	}
	rolls, err := r.ask(ctx, client, requests)
	return errors.Join(r.tellAll(ctx, client, rolls), err)
}

// parse reads hello and hello/3.
func (r *restart) parse(cmd *cobra.Command, args []string) (requests []admin.RestartRequest, err error) {
	do := ""
	switch {
	case r.goOn && r.undo:
		return nil, usagef(cmd, "--continue and --undo cannot both be meant")
	case r.all == (len(args) > 0):
		return nil, usagef(cmd, "zfleet restart needs a service, as in zfleet restart hello, or --all")
	case r.goOn:
		do = admin.RestartContinue
	case r.undo:
		do = admin.RestartUndo
	}
	if r.all {
		return []admin.RestartRequest{{Do: do}}, nil
	}
	for _, arg := range args {
		service, text, one := strings.Cut(arg, "/")
		req := admin.RestartRequest{Service: service, Do: do}
		if one {
			slot, err := strconv.Atoi(text)
			if err != nil || slot < 0 || do != "" {
				return nil, usagef(cmd, "cannot read %q: want SERVICE or, without --continue and --undo, SERVICE/SLOT, as in hello/3", arg)
			}
			req.Slot = &slot
		}
		if service == "" {
			return nil, usagef(cmd, "cannot read %q: want SERVICE or SERVICE/SLOT, as in hello/3", arg)
		}
		requests = append(requests, req)
	}
	return requests, nil
}

// ask asks for everything first, so that all services change at the same time.
func (r *restart) ask(ctx context.Context, client *admin.Client, requests []admin.RestartRequest) (rolls []admin.Roll, err error) {
	for _, req := range requests {
		reply, err := client.Restart(ctx, req)
		if err != nil {
			return rolls, err
		}
		for _, roll := range reply.Rolls {
			if len(rolls) == 0 || rolls[len(rolls)-1].Service != roll.Service { // hello/1 hello/2 are one
				rolls = append(rolls, roll)
			}
		}
	}
	return rolls, nil
}

func (r *restart) tellAll(ctx context.Context, client *admin.Client, rolls []admin.Roll) (err error) {
	ctx, cancel := within(ctx, r.timeout)
	defer cancel()
	for _, roll := range rolls {
		switch {
		case r.undo && roll.State != admin.RollRolling: // or else settings are taken back, which takes another one
			r.ui.printf("%s: given up, %s of %d replaced\n", roll.Service, count(roll.Done, "worker"), roll.Of)
		case r.noWait:
			r.ui.printf("%s: %s to restart\n", roll.Service, count(roll.Of, "worker"))
		default:
			err = errors.Join(err, r.wait(ctx, client, roll.Service, roll.Number))
		}
	}
	return err
}

func (r *restart) wait(ctx context.Context, client *admin.Client, service string, number int) error {
	roll, err := client.Rolled(ctx, service, number)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return r.late(client, service)
	case err != nil:
		return fmt.Errorf("cannot see %s restarted: %w", service, err)
	case roll.State == admin.RollDone:
		r.ui.printf("%s: %s restarted\n", service, count(roll.Of, "worker"))
		return nil
	case roll.State == admin.RollFrozen:
		return &frozenError{roll}
	}
	return fmt.Errorf("the restart of %s was given up, with %d of %s replaced", service, roll.Done, count(roll.Of, "worker"))
}

func (r *restart) late(client *admin.Client, service string) error {
	text := fmt.Sprintf("%s is not restarted after %v; the fleet goes on", service, r.timeout)
	if status, err := client.Status(context.Background()); err == nil {
		if roll := serviceIn(status, service).Roll; roll != nil {
			text += fmt.Sprintf(": %d of %s are replaced", roll.Done, count(roll.Of, "worker"))
		}
	}
	return &lateError{text, "zfleet ps"}
}

// frozenError is a restart that an operator has to decide about.
type frozenError struct{ roll admin.Roll }

func (e *frozenError) Error() string {
	text := fmt.Sprintf("the restart of %s is frozen with %d of %s replaced, the others serve on: %s",
		e.roll.Service, e.roll.Done, count(e.roll.Of, "worker"), e.roll.Reason)
	for _, line := range e.roll.LastLines {
		text += "\n  " + line
	}
	return text
}

func (e *frozenError) Hint() string {
	return fmt.Sprintf("mend it, then zfleet restart %s --continue; or zfleet restart %s --undo", e.roll.Service, e.roll.Service)
}
