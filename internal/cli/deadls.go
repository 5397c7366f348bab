package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/dead"
)

type deadLs struct {
	box
	out *output
}

func newDeadLsCommand(ui *tui) *cobra.Command {
	d := &deadLs{box: box{ui: ui}}
	cmd := &cobra.Command{
		Use:   "ls [SERVICE]",
		Short: "List dead letters, the oldest first",
		Long: `List dead letters, the oldest first: how long ago they died, how many workers ended while they handled
them, how large they are, what their clients were told, and how the last of those workers ended.`,
		Example: "  zfleet dead ls\n  zfleet dead ls hello -o json | jq '.[].id'",
		Args:    atMost(1, "service"),
	}
	d.flags(cmd)
	d.out = newOutput(cmd, "table")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			d.service = args[0]
		}
		return d.run(cmd.Context())
	}
	return cmd
}

func (d *deadLs) run(ctx context.Context) error {
	all, err := d.list(ctx)
	if d.out.json() {
		letters := []dead.Letter{}
		for _, l := range all {
			letters = append(letters, l.Letter)
		}
		d.ui.printf("%s", indented(letters))
		return err
	}
	var rows [][]cell
	for _, l := range all {
		rows = append(rows, letterRow(l, time.Now()))
	}
	if len(rows) > 0 || err == nil {
		d.ui.table(d.ui.out, []string{"ID", "SERVICE", "AGE", "ATTEMPTS", "BYTES", "CODE", "LAST"}, rows)
	}
	return err
}

func letterRow(l letter, now time.Time) []cell {
	last := ""
	if n := len(l.Attempts); n > 0 {
		last = formerName(l.Attempts[n-1]) + " " + lastWord(l.Attempts[n-1])
	}
	return []cell{
		{text: l.ID}, {text: l.store.service}, {text: age(now.Sub(l.Died))}, {text: number(len(l.Attempts))}, {text: number(l.Size)},
		{text: l.Code}, {text: last},
	}
}

// formerName is a worker of a letter: foreign ones have an address.
func formerName(a dead.Attempt) string {
	if a.Worker == "" {
		return a.Peer
	}
	return a.Worker
}

// lastWord is how an attempt ended, as well as it is known.
func lastWord(a dead.Attempt) string {
	if a.Exit != nil {
		return a.Exit.Reason
	}
	return "hung up: " + a.Reason
}
