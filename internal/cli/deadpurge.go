package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// pick says which letters a command that changes something is about: those that are named, or all.
type pick struct {
	box
	all bool
}

// take finds the letters; naming none must be on purpose.
func (p *pick) take(ctx context.Context, ids []string) ([]letter, error) {
	if p.all {
		return p.list(ctx)
	}
	return p.chosen(ctx, ids)
}

// check wants ids, or one of the flags that stand for them.
func (p *pick) check(cmd *cobra.Command, ids []string, instead bool, how string) error {
	switch {
	case len(ids) == 0 && !instead:
		return usagef(cmd, "%s takes ids of dead letters, or %s", cmd.CommandPath(), how)
	case len(ids) > 0 && instead:
		return usagef(cmd, "%s takes ids of dead letters or %s, not both", cmd.CommandPath(), how)
	}
	return nil
}

type deadPurge struct {
	pick
	out   *output
	older time.Duration
}

// purged is what -o json prints.
type purged struct {
	Removed int `json:"removed"`
}

func newDeadPurgeCommand(ui *tui) *cobra.Command {
	d := &deadPurge{pick: pick{box: box{ui: ui}}}
	cmd := &cobra.Command{
		Use:     "purge ID ... | --all | --older-than 24h",
		Short:   "Remove dead letters",
		Long:    `Remove dead letters. The room they took is used for others; the file does not become smaller.`,
		Example: "  zfleet dead purge 0mm7kwn40\n  zfleet dead purge --older-than 24h\n  zfleet dead purge --all --service hello",
	}
	d.flags(cmd)
	d.serviceFlag(cmd)
	d.out = newOutput(cmd, "text")
	cmd.Flags().BoolVar(&d.all, "all", false, "remove all of them")
	cmd.Flags().DurationVar(&d.older, "older-than", 0, "remove those that died so long ago")
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		older := cmd.Flags().Changed("older-than")
		if older && d.older < 0 {
			return usagef(cmd, "--older-than must not be negative")
		}
		if err := d.check(cmd, ids, d.all || older, "--all, or --older-than"); err != nil {
			return err
		}
		d.all = d.all || older
		return d.run(cmd.Context(), ids)
	}
	return cmd
}

func (d *deadPurge) run(ctx context.Context, ids []string) error {
	letters, err := d.take(ctx, ids)
	if err != nil {
		return err
	}
	byStore := map[stored][]string{}
	for _, l := range letters {
		if time.Since(l.Died) >= d.older {
			byStore[l.store] = append(byStore[l.store], l.ID)
		}
	}
	var done purged
	for store, ids := range byStore {
		n, err := store.Remove(ids...)
		if err != nil {
			return err
		}
		done.Removed += n
	}
	if d.out.json() {
		d.ui.printf("%s", indented(done))
	} else {
		d.ui.printf("%s removed\n", count(done.Removed, "dead letter"))
	}
	return nil
}
