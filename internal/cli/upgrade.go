package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
)

type upgrade struct {
	ui      *tui
	where   where
	noWait  bool
	timeout time.Duration
}

func newUpgradeCommand(ui *tui) *cobra.Command {
	u := &upgrade{ui: ui}
	cmd := &cobra.Command{
		Use:   "upgrade [SERVICE ...]",
		Short: "Put the zfleet that is on disk now in the place of running proxies",
		Long: `Have a new proxy take over from the one that serves, for one or more services, or for all: the program of
zfleet that is on disk now. It gets the ports, all connections and every request; clients and workers keep their
connections and notice nothing. Returns when the new one serves.

When the new one cannot, the old one serves on, and the command fails with the reason. The supervisor itself stays
as it is until zfleet up is started anew: a supervisor that is killed and started again takes over too.`,
		Example:           "  zfleet upgrade\n  zfleet upgrade hello",
		RunE:              func(cmd *cobra.Command, args []string) error { return u.run(cmd.Context(), args) },
		ValidArgsFunction: u.complete,
	}
	u.where.flags(cmd)
	cmd.Flags().BoolVar(&u.noWait, "no-wait", false, "return at once")
	timeoutFlag(cmd, &u.timeout, "the new proxies serve")
	return cmd
}

func (u *upgrade) run(ctx context.Context, services []string) error {
	client, err := u.where.clientFor(ctx, u.ui, services)
	if err != nil {
		return err
	}
	if len(services) == 0 {
		services = []string{""}
	}
	var began []admin.Upgrade
	for _, service := range services { // all first, so that they change at the same time
		reply, err := client.Upgrade(ctx, admin.UpgradeRequest{Service: service})
		if err != nil {
			return err
		}
		began = append(began, reply.Upgrades...)
	}
	ctx, cancel := within(ctx, u.timeout)
	defer cancel()
	for _, before := range began {
		err = errors.Join(err, u.tell(ctx, client, before))
	}
	return err
}

func (u *upgrade) tell(ctx context.Context, client *admin.Client, before admin.Upgrade) error {
	if u.noWait {
		u.ui.printf("%s: its proxy (pid %d, %s) is to be replaced\n", before.Service, before.Pid, versionOf(before))
		return nil
	}
	after, err := client.Upgraded(ctx, before.Service)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &lateError{fmt.Sprintf("the proxy of %s is not replaced after %v; the fleet goes on", before.Service, u.timeout), "zfleet ps"}
	case err != nil:
		return fmt.Errorf("cannot see the proxy of %s replaced: %w", before.Service, err)
	case after.State == admin.UpgradeFailed:
		return &failedUpgrade{after}
	}
	u.ui.printf("%s: pid %d → %d, %s → %s, with %s\n",
		before.Service, before.Pid, after.Pid, versionOf(before), versionOf(after), count(after.Clients, "client"))
	return nil
}

// versionOf is a proxy's version. Older proxies do not tell theirs.
func versionOf(u admin.Upgrade) string { return printable(cmp.Or(u.Version, "of an unknown version")) }

// failedUpgrade is a proxy that could not take over.
type failedUpgrade struct{ admin.Upgrade }

func (e *failedUpgrade) Error() string {
	text := fmt.Sprintf("cannot replace the proxy of %s: %s", e.Service, e.Reason)
	for _, line := range e.LastLines {
		text += "\n  " + line
	}
	return text
}

func (e *failedUpgrade) Hint() string {
	return "the proxy that was there serves on; zfleet events tells more"
}
