package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/timeline"
)

const defaultLives = 5

type why struct {
	ui    *tui
	where where
	out   *output
	lives int
}

func newWhyCommand(ui *tui) *cobra.Command {
	w := &why{ui: ui}
	cmd := &cobra.Command{
		Use:   "why SERVICE[/SLOT[#LIFE]]",
		Short: "Tell what became of a worker, and what comes next",
		Long: `Tell the story of a worker, life by life: how long each ran, what ended it and what led to that, what it printed
last, or the stack dump that it left when it hung; and what it does now, and what comes next. With a service
alone, of all its workers and its proxy. It is told from the fleet's events, also when no fleet runs.`,
		Example:           "  zfleet why hello/3\n  zfleet why hello/3#7\n  zfleet why hello/proxy --lives 1\n  zfleet why hello -o json",
		Args:              oneWorker,
		RunE:              w.run,
		ValidArgsFunction: w.where.completeService,
	}
	w.where.flags(cmd)
	w.out = newOutput(cmd, "text")
	cmd.Flags().IntVar(&w.lives, "lives", defaultLives, "of how many lives of each worker to tell")
	return cmd
}

func oneWorker(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef(cmd, "it takes one worker, or a service, not %s", count(len(args), "argument"))
	}
	return workerArg(cmd, args[0])
}

func (w *why) run(cmd *cobra.Command, args []string) error {
	from, err := w.where.kept(cmd.Context(), w.ui)
	if err != nil {
		return err
	}
	if w.lives < 1 {
		return usagef(cmd, "--lives is %d: it must be at least 1", w.lives)
	}
	query := timeline.Query{Service: args[0], Last: timeline.All}
	if strings.Contains(args[0], "/") {
		query = timeline.Query{Worker: timeline.SlotOf(args[0]), Last: timeline.All}
	}
	var known []timeline.Event
	if err := timeline.Read(cmd.Context(), from.state, query, func(e timeline.Event) error {
		known = append(known, e)
		return nil
	}); err != nil {
		return err
	}
	stories := timeline.Tell(known, args[0], w.lives, from.runs, time.Now())
	if len(stories) == 0 {
		return &nothingKnown{args[0], from}
	}
	if err := readDumps(cmd.Context(), from.state, stories); err != nil {
		return err
	}
	w.show(stories)
	return nil
}

func (w *why) show(stories []timeline.Story) {
	if w.out.json() {
		w.ui.printf("%s", indented(stories))
		return
	}
	for i, s := range stories {
		if i > 0 {
			w.ui.printf("\n")
		}
		var b strings.Builder
		s.Describe(&b, time.Now())
		w.ui.printf("%s", printable(b.String()))
	}
	w.ui.hint("zfleet logs " + stories[0].Worker)
}

type nothingKnown struct {
	worker string
	from   kept
}

func (e *nothingKnown) Error() string {
	return fmt.Sprintf("nothing is known of %s in fleet %s (events in %s)", e.worker, e.from.fleet, timeline.Path(e.from.state))
}

func (*nothingKnown) Hint() string { return "zfleet ps shows the workers that there are" }
