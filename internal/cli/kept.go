package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/config"
)

// kept is where a fleet keeps what outlives it.
type kept struct {
	fleet string // its name
	state string // folder
	runs  bool
}

// kept finds a fleet's state folder: the one that runs says it, of one that does not run its file does.
func (w *where) kept(ctx context.Context, ui *tui) (kept, error) {
	client, err := w.client(ctx, ui)
	if err != nil {
		return kept{}, err
	}
	defer client.Close()
	who, err := client.Version(ctx)
	switch {
	case err == nil && who.State != "":
		return kept{who.Fleet, who.State, true}, nil
	case err != nil && !isNoFleet(err), w.socket != "":
		return kept{}, err
	}
	file, loadErr := config.Load(w.path())
	if loadErr != nil {
		return kept{}, loadErr
	}
	return kept{file.Spec.Name, cmp.Or(file.State, admin.StateDir(file.Spec.Name)), err == nil}, nil
}

// selection is the flags that say how much is shown of what is kept.
type selection struct {
	last   lineCount
	since  moment
	follow bool
}

const defaultLast = 100

func (s *selection) flags(cmd *cobra.Command, things string) {
	s.last = defaultLast
	cmd.Flags().BoolVarP(&s.follow, "follow", "f", false, "show what comes from now on too, until interrupted")
	cmd.Flags().VarP(&s.last, "last", "n", "how many "+things+" at most: a number, or all")
	cmd.Flags().Var(&s.since, "since", "only "+things+" since then: 10m ago, or a time like 2026-03-01T12:00:00Z")
}

// wanted is how many there may be: whoever says since when does not mean the last hundred of that.
func (s *selection) wanted(flags *pflag.FlagSet) int {
	if flags.Changed("since") && !flags.Changed("last") {
		return allLines
	}
	return int(s.last)
}

// lineCount is a number, or all.
type lineCount int

const allLines = -1

// String, Set and Type make it a pflag.Value.
func (c *lineCount) String() string {
	if *c == allLines {
		return "all"
	}
	return strconv.Itoa(int(*c))
}

// Set takes a number from 0, or all.
func (c *lineCount) Set(text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case text == "all":
		n = allLines
	case err != nil || n < 0:
		return fmt.Errorf("want a number, or all")
	}
	*c = lineCount(n)
	return nil
}

// Type is the word for the value in the help.
func (*lineCount) Type() string { return "N" }

// moment is a time, or how long ago it was.
type moment struct{ time.Time }

// String, Set and Type make it a pflag.Value.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Set takes a duration, or a time as in RFC 3339.
func (m *moment) Set(text string) (err error) {
	if m.Time, err = admin.ParseSince(text, time.Now()); err != nil {
		return fmt.Errorf("want 10m, say, or a time like 2026-03-01T12:00:00Z")
	}
	return nil
}

// Type is the word for the value in the help.
func (*moment) Type() string { return "TIME" }

// workerArg checks how a worker is named: hello, hello/3, hello/proxy, hello/3#7.
func workerArg(cmd *cobra.Command, name string) error {
	service, rest, hasSlot := strings.Cut(name, "/")
	slot, life, hasLife := strings.Cut(rest, "#")
	if service == "" || filepath.Base(service) != service || hasSlot && !isNumber(slot) && slot != "proxy" || hasLife && !isNumber(life) {
		return usagef(cmd, "%q is no worker: write SERVICE, SERVICE/SLOT or SERVICE/SLOT#LIFE, as in hello/3", name)
	}
	return nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 32)
	return err == nil
}
