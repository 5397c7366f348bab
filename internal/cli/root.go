// Package cli is the commands of zfleet, a file each. [Main] is the entry point. Everything that people read goes through tui.go; what a
// running fleet does is left to package daemon, how it is asked to package admin.
package cli

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitNoFleet    = 4   // as LSB's status commands have it: not known to run
	exitErrorReply = 5   // of zfleet call
	exitLate       = 124 // as timeout(1) has it
)

const rootLong = `zfleet runs a fleet of ZeroMQ REP workers behind one ROUTER port and one DEALER port, keeps it
healthy, and changes its size while clients go on talking.

A fleet is what one fleet.toml declares. Commands find the running fleet by that file: -f FILE, else
./fleet.toml, else the one fleet of this user that runs.

Exit codes: 0 done; 1 failed; 2 used wrongly; 4 no fleet is running;
5 a request was answered with an error; 124 not reached within --timeout.`

// Main runs one command and returns its exit code. Args are without the program's name.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ui := &tui{in: stdin, out: stdout, err: stderr}
	root := newRootCommand(ui)
	root.SetArgs(append([]string{}, args...))
	err := root.Execute()
	ui.close()
	if err == nil {
		return exitOK
	}
	ui.fail(err)
	return exitCode(err)
}

func newRootCommand(ui *tui) *cobra.Command {
	root := &cobra.Command{
		Use:           "zfleet",
		Short:         "Run a fleet of ZeroMQ REP workers that loses no request",
		Long:          rootLong,
		Version:       version(),
		SilenceErrors: true, // Main prints them
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(ui.in)
	root.SetOut(ui.out)
	root.SetErr(ui.err)
	root.SetVersionTemplate("zfleet {{.Version}}\n")
	root.SetFlagErrorFunc(wrongFlag)
	root.AddCommand(
		newUpCommand(ui), newDownCommand(ui), newPsCommand(ui), newScaleCommand(ui), newRestartCommand(ui), newUpgradeCommand(ui),
		newReloadCommand(ui), newCheckCommand(ui), newCallCommand(ui), newBenchCommand(ui), newDeadCommand(ui), newExportCommand(ui),
		newEventsCommand(ui), newLogsCommand(ui), newWhyCommand(ui),
		newProxyCommand(ui), newVersionCommand(ui), newGuardCommand(ui),
	)
	return root
}

// exitCode is the one place that turns an error into a number.
func exitCode(err error) int {
	var coded interface{ exitCode() int }
	switch {
	case errors.As(err, &coded):
		return coded.exitCode()
	case isNoFleet(err):
		return exitNoFleet
	}
	return exitFailed
}
