package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/dead"
)

const deadLong = `Look after dead letters: requests whose workers ended while they handled them, one after the other, until
the proxy gave up and answered with an error. They are kept in the fleet's state folder, whether the
fleet runs or not; [service.NAME.delivery] in the fleet file says how much and how long.`

func newDeadCommand(ui *tui) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead",
		Short:   "Show, replay and remove requests that ended their workers",
		Long:    deadLong,
		Example: "  zfleet dead ls\n  zfleet dead show 0mm7kwn40\n  zfleet dead replay --all\n  zfleet dead purge --older-than 24h",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeadLsCommand(ui), newDeadShowCommand(ui), newDeadReplayCommand(ui), newDeadPurgeCommand(ui))
	return cmd
}

// box says whose dead letters a command is about.
type box struct {
	ui      *tui
	where   where
	file    string // of a store, instead of a fleet's
	service string // "": all
}

// stored is one service's letters.
type stored struct {
	service string // as its file is called
	dead.Store
}

func (b *box) flags(cmd *cobra.Command) {
	b.where.flags(cmd)
	cmd.Flags().StringVar(&b.file, "store", "", "`PATH` that zfleet proxy was given with --dead-letters, instead of a fleet's")
}

func (b *box) serviceFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&b.service, "service", "", "only letters of this service `NAME`")
}

// stores are the files there are, by service: also of services that the fleet file does not have any more.
func (b *box) stores(ctx context.Context) (all []stored, err error) {
	paths := []string{b.file}
	if b.file == "" {
		from, err := b.where.kept(ctx, b.ui)
		if err != nil {
			return nil, err
		}
		if paths, err = filepath.Glob(filepath.Join(globLiteral(from.state), "*.dead")); err != nil {
			return nil, fmt.Errorf("cannot look into %s: %w", from.state, err)
		}
	}
	for _, path := range paths {
		service := strings.TrimSuffix(filepath.Base(path), ".dead")
		if b.service == "" || b.service == service || b.file != "" {
			all = append(all, stored{service, dead.Store{Path: path}})
		}
	}
	return all, nil
}

// globLiteral is a path as a pattern that only it matches.
func globLiteral(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// letter is one of a service's, without its request.
type letter struct {
	dead.Letter
	store stored
}

// list is all letters, the oldest first. Those of a file that cannot be read are left out, and the error says which.
func (b *box) list(ctx context.Context) (all []letter, err error) {
	stores, err := b.stores(ctx)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, s := range stores {
		letters, err := s.List()
		failed = append(failed, err)
		for _, l := range letters {
			all = append(all, letter{l, s})
		}
	}
	slices.SortStableFunc(all, func(a, b letter) int { return cmp.Compare(a.ID, b.ID) })
	return all, errors.Join(failed...)
}

// chosen are the letters with these ids, in the order of the arguments, each once.
func (b *box) chosen(ctx context.Context, ids []string) (found []letter, err error) {
	all, err := b.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		had := len(found)
		for _, l := range all {
			if l.ID == id {
				found = append(found, l)
			}
		}
		switch len(found) - had {
		case 0:
			return nil, &noLetter{id}
		case 1:
		default:
			return nil, &usageError{fmt.Sprintf("two services have a dead letter %s", id), "say which with --service NAME"}
		}
	}
	return slices.CompactFunc(found, func(a, b letter) bool { return a.ID == b.ID }), nil
}

type noLetter struct{ id string }

func (e *noLetter) Error() string { return "there is no dead letter " + e.id }

func (*noLetter) Hint() string { return "zfleet dead ls" }
