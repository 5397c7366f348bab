package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
)

type reload struct {
	ui          *tui
	where       where
	out         *output
	dry, noWait bool
	timeout     time.Duration
}

func newReloadCommand(ui *tui) *cobra.Command {
	r := &reload{ui: ui}
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the fleet become what its file says now",
		Long: `Read the fleet file again and have the fleet become what it says now, by the least that does it: another number
of workers (also where that was changed by hand), new workers one by one where their program or its settings have
changed, a new proxy that takes over from the old one where endpoints or [service.X.delivery] have, other settings at
once. Requests go on being answered, and none is lost. Returns when it is so.

A service that is new is started, and one that is not in the file any more answers the requests that it has and
ends; the others go on meanwhile.

What cannot be done while the fleet runs (another name for it) is refused, and then nothing is changed. Nor is it by
a file that is wrong, or by a port that is taken.`,
		Example: "  zfleet reload --dry-run\n  zfleet reload",
		Args:    atMost(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context()) },
	}
	r.where.flags(cmd)
	r.out = newOutput(cmd, "text")
	cmd.Flags().BoolVar(&r.dry, "dry-run", false, "only say what would be done")
	cmd.Flags().BoolVar(&r.noWait, "no-wait", false, "return at once")
	cmd.Flags().DurationVar(&r.timeout, "timeout", restartTimeout, "how long to wait until it is done; 0: as long as it takes")
	return cmd
}

func (r *reload) run(ctx context.Context) error {
	client, err := r.where.client(ctx, r.ui)
	if err != nil {
		return err
	}
	if err := r.checkFile(ctx, client); err != nil {
		return err
	}
	reply, err := client.Reload(ctx, admin.ReloadRequest{DryRun: r.dry})
	if err != nil {
		return err
	}
	r.show(reply)
	switch {
	case reply.Refused:
		return &refusedReload{}
	case r.dry || r.noWait:
		return nil
	}
	return r.wait(ctx, client, reply)
}

// checkFile refuses a file that is not the one that will be read.
func (r *reload) checkFile(ctx context.Context, client *admin.Client) error {
	if r.where.file == "" {
		return nil
	}
	who, err := client.Version(ctx)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(r.where.file)
	if err == nil && who.File != "" && path != who.File {
		err = fmt.Errorf("cannot reload fleet %s from %s: it was started with %s, and reads that", who.Fleet, path, who.File)
	}
	return err
}

func (r *reload) show(reply admin.ReloadReply) {
	if r.out.json() {
		r.ui.printf("%s", indented(reply))
		return
	}
	for _, line := range stepLines(reply) {
		r.ui.printf("%s\n", printable(line))
	}
}

// stepLines is a plan in words, a line for each step.
func stepLines(reply admin.ReloadReply) (lines []string) {
	for _, step := range reply.Steps {
		line := step.Do
		if step.Service != "" {
			line += " " + step.Service
		}
		if step.What != "" {
			line += ": " + step.What
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		lines = []string{"nothing has changed"}
	}
	return lines
}

// wait waits for every service that is changed: for its numbers, and for its new workers.
func (r *reload) wait(ctx context.Context, client *admin.Client, reply admin.ReloadReply) (err error) {
	ctx, cancel := within(ctx, r.timeout)
	defer cancel()
	for _, step := range reply.Steps {
		switch step.Do {
		case admin.ReloadScale, admin.ReloadAdd:
			_, stepErr := client.Settled(ctx, step.Service)
			err = errors.Join(err, r.outcome(step.Service, stepErr))
		case admin.ReloadProxy:
			err = errors.Join(err, r.outcome(step.Service, r.upgraded(ctx, client, step.Service)))
		case admin.ReloadRemove:
			err = errors.Join(err, r.outcome(step.Service, gone(ctx, client, step.Service)))
		case admin.ReloadRoll:
			err = errors.Join(err, r.outcome(step.Service, r.rolled(ctx, client, step.Service)))
		}
	}
	return err
}

// gone waits until nothing is left of a service. It may have been quicker than the question.
func gone(ctx context.Context, client *admin.Client, service string) error {
	_, err := client.Settled(ctx, service)
	var refused *admin.Error
	if errors.As(err, &refused) && refused.Code == admin.CodeUnknownService {
		return nil
	}
	return err
}

func (r *reload) rolled(ctx context.Context, client *admin.Client, service string) error {
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	number := 0
	if roll := serviceIn(status, service).Roll; roll != nil {
		number = roll.Number
	}
	roll, err := client.Rolled(ctx, service, number)
	switch {
	case err != nil:
		return err
	case roll.State == admin.RollFrozen:
		return &frozenError{roll}
	case roll.State == admin.RollUndone:
		return errors.New("it was given up")
	}
	return nil
}

// upgraded waits until the service's new proxy serves.
func (r *reload) upgraded(ctx context.Context, client *admin.Client, service string) error {
	outcome, err := client.Upgraded(ctx, service)
	if err == nil && outcome.State == admin.UpgradeFailed {
		err = &failedUpgrade{outcome}
	}
	return err
}

func (r *reload) outcome(service string, err error) error {
	var frozen *frozenError
	var failed *failedUpgrade
	switch {
	case errors.As(err, &frozen), errors.As(err, &failed):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &lateError{fmt.Sprintf("%s is not what the file says after %v; the fleet goes on", service, r.timeout), "zfleet ps"}
	case err != nil:
		return fmt.Errorf("cannot see %s become what the file says: %w", service, err)
	}
	return nil
}

// refusedReload: the steps have said what it is, and the mend.
type refusedReload struct{}

func (*refusedReload) Error() string {
	return "cannot reload: the file asks for what cannot be done while the fleet runs; nothing was changed"
}
