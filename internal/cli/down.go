package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
)

type down struct {
	ui      *tui
	where   where
	now     bool
	timeout time.Duration
}

func newDownCommand(ui *tui) *cobra.Command {
	d := &down{ui: ui}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End the fleet",
		Long: `End the fleet: no request is taken any more, those under way are answered, workers and proxies stop.
Returns when the fleet's process is gone. When it is not in time it goes on ending.`,
		Example: "  zfleet down\n  zfleet down --now -f /srv/hello/fleet.toml",
		Args:    atMost(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	d.where.flags(cmd)
	cmd.Flags().BoolVar(&d.now, "now", false, "kill everything at once; requests under way are lost")
	timeoutFlag(cmd, &d.timeout, "the fleet is gone")
	return cmd
}

func (d *down) run(ctx context.Context) error {
	client, err := d.where.client(ctx, d.ui)
	if err != nil {
		return err
	}
	process, err := client.Process(ctx)
	if err != nil {
		return err
	}
	defer process.Close()
	if err := client.Down(ctx, admin.DownRequest{Now: d.now}); err != nil {
		return err
	}
	ctx, cancel := within(ctx, d.timeout)
	defer cancel()
	if err := process.WaitGone(ctx); errors.Is(err, context.DeadlineExceeded) {
		return d.late(client)
	} else if err != nil {
		return err
	}
	d.ui.printf("%s ended (pid %d)\n", nameOf(client), process.Pid)
	return nil
}

// late says what the fleet is still busy with.
func (d *down) late(client *admin.Client) error {
	err := lateError{
		text: fmt.Sprintf("%s has not ended after %v; it goes on ending", nameOf(client), d.timeout),
		hint: "zfleet ps, or zfleet down --now",
	}
	if status, statusErr := client.Status(context.Background()); statusErr == nil {
		err.text += ": " + leftOf(status)
	}
	return &err
}

func nameOf(client *admin.Client) string {
	if client.Fleet == "" {
		return "the fleet at " + client.Socket()
	}
	return "fleet " + client.Fleet
}
