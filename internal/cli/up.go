package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/config"
	"github.com/zfleet/zfleet/internal/daemon"
	"github.com/zfleet/zfleet/internal/systemd"
)

type up struct {
	ui      *tui
	where   where
	logFile string
	detach  bool
	timeout time.Duration
}

func newUpCommand(ui *tui) *cobra.Command {
	u := &up{ui: ui}
	cmd := &cobra.Command{
		Use:   "up [FILE]",
		Short: "Start a fleet and keep it running",
		Long: `Start a fleet and keep it running: its proxies, its workers, and its admin socket, which the other commands
talk to. It stays in the foreground and logs to stderr: readable lines on a terminal, else JSON.

Signals: TERM and INT end the fleet when all requests under way are answered; once more ends it now. TTIN adds
a worker to the first service, TTOU takes one away; signals can get lost when several come at once, zfleet scale
does not. USR2 replaces the workers of all services by new ones, as zfleet restart --all does.
HUP reads the fleet file again, as zfleet reload does.`,
		Example:           "  zfleet up\n  zfleet up /srv/hello/fleet.toml\n  zfleet up --detach && zfleet ps",
		Args:              atMost(1, "fleet file"),
		RunE:              u.run,
		ValidArgsFunction: tomlFiles,
	}
	u.where.flags(cmd)
	cmd.Flags().StringVar(&u.logFile, "log-file", "", "write the log to `PATH` instead of stderr, up to 16 MiB and as much in PATH.1")
	cmd.Flags().BoolVarP(&u.detach, "detach", "d", false, "run in the background; return when all workers are ready")
	timeoutFlag(cmd, &u.timeout, "all workers are ready, with --detach")
	return cmd
}

func (u *up) run(cmd *cobra.Command, args []string) error {
	manager, err := systemd.FromEnvironment()
	if err != nil {
		return err
	}
	file, err := u.where.load(cmd, args)
	if err != nil {
		return err
	}
	switch {
	case u.detach && len(manager.Sockets) > 0:
		return usagef(cmd, "a fleet in the background cannot be given the sockets of a service manager: leave --detach out")
	case u.detach:
		return u.background(cmd.Context(), file)
	}
	return u.foreground(file, manager)
}

func (u *up) foreground(file config.File, manager systemd.Manager) error {
	opts, err := u.options(file)
	if err != nil {
		return err
	}
	log, err := u.ui.log(logOptions{level: file.Log.Level, format: file.Log.Format, file: u.logFile})
	if err != nil {
		return err
	}
	opts.Log, opts.Manager = log, manager
	signals := catchSignals()
	defer signals.stop()
	d, err := daemon.New(opts)
	if err != nil {
		return err
	}
	ctx, ended := context.WithCancel(context.Background())
	defer ended()
	go signals.obeyEnds(ctx, d, log)
	go signals.obeyChanges(ctx, d, log)
	return d.Run(ctx)
}

func (u *up) options(file config.File) (opts daemon.Options, err error) {
	opts = daemon.Options{Spec: file.Spec, Read: file, Version: version()}
	if opts.File, err = filepath.Abs(u.where.path()); err != nil {
		return opts, fmt.Errorf("cannot find %s: %w", u.where.path(), err)
	}
	if opts.Self, err = ownPath(os.Args[0]); err != nil {
		return opts, fmt.Errorf("cannot find the zfleet binary: %w", err)
	}
	if socket := cmp.Or(u.where.socket, file.Admin.Socket); socket != "" {
		opts.Socket, err = filepath.Abs(socket)
	}
	return opts, err
}

// ownPath is where this program was started from, absolute. A link stays one: where it points to later is what an upgrade is to start.
func ownPath(arg string) (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", err
	}
	named, err := exec.LookPath(arg)
	if err == nil {
		named, err = filepath.Abs(named)
	}
	if err != nil || !sameFile(named, executable) { // the caller may name a program as it likes
		return executable, nil
	}
	return named, nil
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
