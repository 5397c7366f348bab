package cli

import (
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/timeline"
)

type events struct {
	ui      *tui
	where   where
	out     *output
	choice  selection
	service string
}

func newEventsCommand(ui *tui) *cobra.Command {
	e := &events{ui: ui}
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what happened to the fleet",
		Long: `Show what happened to the fleet: starts, ends and failures of workers and proxies, and who scaled what. Each
event has a number, and behind it stands, in brackets, the number of the one that led to it. They are kept in
the fleet's state folder and can be shown when no fleet runs.`,
		Example: "  zfleet events -f --since 10m\n  zfleet events --service hello -n all\n" +
			"  zfleet events -o json | jq 'select(.kind == \"exited\")'",
		Args: atMost(0, ""),
		RunE: e.run,
	}
	e.where.longFlags(cmd)
	e.choice.flags(cmd, "events")
	e.out = newOutput(cmd, "text")
	cmd.Flags().StringVar(&e.service, "service", "", "only those of this `SERVICE`, and of the fleet as a whole")
	return cmd
}

func (e *events) run(cmd *cobra.Command, _ []string) error {
	from, err := e.where.kept(cmd.Context(), e.ui)
	if err != nil {
		return err
	}
	return timeline.Read(cmd.Context(), from.state, timeline.Query{
		Service: e.service, Since: e.choice.since.Time, Last: e.choice.wanted(cmd.Flags()), Follow: e.choice.follow,
	}, e.show)
}

func (e *events) show(event timeline.Event) error {
	if e.out.json() {
		return json.NewEncoder(e.ui.out).Encode(event)
	}
	line := printable(event.Line(time.Now()))
	return e.ui.line(e.ui.paint(e.ui.out, urgency(event.Kind), line))
}

func urgency(kind timeline.Kind) colour {
	switch kind {
	case timeline.Unready, timeline.Hung, timeline.Late, timeline.Killed, timeline.Backoff:
		return yellow
	case timeline.Crashloop, timeline.GaveUp, timeline.RollFrozen, timeline.Degraded, timeline.FleetLost, timeline.EventsLost:
		return red
	}
	return plain
}
