package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/workerlog"
)

type logs struct {
	ui     *tui
	where  where
	out    *output
	choice selection
	width  int // of the widest name so far
}

func newLogsCommand(ui *tui) *cobra.Command {
	l := &logs{ui: ui}
	cmd := &cobra.Command{
		Use:   "logs [SERVICE[/SLOT[#LIFE]]]",
		Short: "Show what workers and proxies print",
		Long: `Show what workers and proxies print, standard output and standard error, merged by time, with the worker in
front. It is kept in the fleet's state folder, and can be shown when the worker is gone and when no fleet runs.

A proxy is SERVICE/proxy.`,
		Example:           "  zfleet logs -f\n  zfleet logs hello/3 -n 20\n  zfleet logs hello --since 10m -o json",
		Args:              atMost(1, "worker"),
		RunE:              l.run,
		ValidArgsFunction: l.where.completeService,
	}
	l.where.longFlags(cmd)
	l.choice.flags(cmd, "lines")
	l.out = newOutput(cmd, "text")
	return cmd
}

func (l *logs) run(cmd *cobra.Command, args []string) error {
	worker := strings.Join(args, "")
	if worker != "" {
		if err := workerArg(cmd, worker); err != nil {
			return err
		}
	}
	from, err := l.where.kept(cmd.Context(), l.ui)
	if err != nil {
		return err
	}
	if !l.choice.follow {
		if err := workerlog.Check(from.state, worker); err != nil {
			return err
		}
	}
	return workerlog.Read(cmd.Context(), from.state, workerlog.Query{
		Worker: worker, Since: l.choice.since.Time, Last: l.choice.wanted(cmd.Flags()), Follow: l.choice.follow,
	}, l.show)
}

func (l *logs) show(line workerlog.Line) error {
	if l.out.json() {
		return l.ui.line(line.JSON())
	}
	l.width = max(l.width, len(line.Name()))
	head := fmt.Sprintf("%s %-*s |", line.Time.In(time.Local).Format("15:04:05.000"), l.width, line.Name())
	return l.ui.line(l.ui.paint(l.ui.out, nameColour(line.Name()), head) + " " + l.level(line.Level) + printable(line.Text()))
}

// level is shown of those who have one.
func (l *logs) level(level string) string {
	switch level {
	case "":
		return ""
	case "warn":
		return l.ui.paint(l.ui.out, yellow, "WRN") + " "
	case "error":
		return l.ui.paint(l.ui.out, red, "ERR") + " "
	}
	return strings.ToUpper(level[:min(3, len(level))]) + " "
}

// nameColour is the same for all lives of a slot, and another one for its neighbours.
func nameColour(name string) colour {
	slot, _, _ := strings.Cut(name, "#")
	sum := 0
	for _, c := range slot {
		sum += int(c)
	}
	return colour(fmt.Sprintf("\x1b[%dm", 32+sum%5)) // green, yellow, blue, magenta, cyan
}
