package cli

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/export"
)

func newExportCommand(ui *tui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print how another program runs the fleet",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExportSystemdCommand(ui))
	return cmd
}

type exportSystemd struct {
	ui           *tui
	where        where
	user, socket bool
}

func newExportSystemdCommand(ui *tui) *cobra.Command {
	e := &exportSystemd{ui: ui}
	cmd := &cobra.Command{
		Use:   "systemd [FILE]",
		Short: "Print a systemd unit for the fleet",
		Long: `Print a systemd unit for the fleet. It starts the fleet as the file says, waits until every service answers, watches that
zfleet lives, gives workers their grace at the end, and holds back from them what they can do without.

With --socket, print the unit that has systemd bind the frontends: clients can connect before the fleet runs, and
while it is restarted.`,
		Example: `  zfleet export systemd | sudo tee /etc/systemd/system/zfleet-hello.service
  zfleet export systemd --user >~/.config/systemd/user/zfleet-hello.service
  zfleet export systemd --socket`,
		Args:              atMost(1, "fleet file"),
		RunE:              e.run,
		ValidArgsFunction: tomlFiles,
	}
	cmd.Flags().StringVarP(&e.where.file, "file", "f", "", "the fleet's `FILE` (default ./fleet.toml)")
	_ = cmd.MarkFlagFilename("file", "toml")
	cmd.Flags().BoolVar(&e.user, "user", false, "for systemctl --user: the fleet is yours, not the machine's")
	cmd.Flags().BoolVar(&e.socket, "socket", false, "print the socket unit instead, with the frontends")
	return cmd
}

func (e *exportSystemd) run(cmd *cobra.Command, args []string) error {
	file, err := e.where.load(cmd, args)
	if err != nil {
		return err
	}
	opts := export.Options{File: file, User: e.user, Owner: owner(e.where.path())}
	if opts.Path, err = filepath.Abs(e.where.path()); err != nil {
		return fmt.Errorf("cannot find %s: %w", e.where.path(), err)
	}
	if opts.Self, err = os.Executable(); err != nil {
		return fmt.Errorf("cannot find the zfleet binary: %w", err)
	}
	if e.socket {
		e.ui.printf("%s", export.Socket(opts))
	} else {
		e.ui.printf("%s", export.Service(opts))
	}
	return nil
}

// owner is the name of the user whom a file belongs to, "" for root and where nobody can say.
func owner(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok || sys.Uid == 0 {
		return ""
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(sys.Uid), 10))
	if err != nil {
		return ""
	}
	return u.Username
}
