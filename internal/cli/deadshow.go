package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/dead"
)

type deadShow struct {
	box
	out *output
}

// shownLetter is what -o json prints: a letter with its frames.
type shownLetter struct {
	dead.Letter
	Hops []jsonFrame `json:"hops"` // of the envelope, without the delimiter
	Body []jsonFrame `json:"body"`
}

func newDeadShowCommand(ui *tui) *cobra.Command {
	d := &deadShow{box: box{ui: ui}}
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a dead letter: the request, and how each worker ended",
		Long: `Show a dead letter: the request, each worker that had it, how its process ended and what it printed last.
In JSON the frames of the request are whole: text, or base64 where they are none.`,
		Example: "  zfleet dead show 0mm7kwn40\n  zfleet dead show 0mm7kwn40 -o json | jq '.body'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef(cmd, "%s takes the id of a dead letter", cmd.CommandPath())
			}
			return atMost(1, "id")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return d.run(cmd.Context(), args) },
	}
	d.flags(cmd)
	d.serviceFlag(cmd)
	d.out = newOutput(cmd, "text")
	return cmd
}

func (d *deadShow) run(ctx context.Context, ids []string) error {
	found, err := d.chosen(ctx, ids)
	if err != nil {
		return err
	}
	l, err := found[0].store.Get(ids[0])
	switch {
	case err != nil:
		return err
	case d.out.json():
		d.ui.printf("%s", indented(shownLetter{l, jsonFrames(l.Hops()), jsonFrames(l.Body())}))
	default:
		d.ui.printf("%s", printable(letterText(l, found[0].store.service, time.Now())))
	}
	return nil
}

func letterText(l dead.Letter, service string, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "dead letter %s of %s\n", l.ID, service)
	fmt.Fprintf(&b, "arrived  %s\n", l.Arrived.Local().Format(timeFormat))
	fmt.Fprintf(&b, "died     %s, %s ago, after %s\n", l.Died.Local().Format(timeFormat), age(now.Sub(l.Died)), took(l.Died.Sub(l.Arrived)))
	fmt.Fprintf(&b, "answered %s\n", l.Code)
	for i, a := range l.Attempts {
		fmt.Fprintf(&b, "\nattempt %d: %s, %s\n", i+1, whoWas(a), took(a.Ended.Sub(a.Began)))
		fmt.Fprintf(&b, "  connection: %s\n", a.Reason)
		if a.Exit == nil {
			continue
		}
		fmt.Fprintf(&b, "  process:    %s\n", a.Exit.Reason)
		for _, line := range a.Exit.LastLines {
			fmt.Fprintf(&b, "  | %s\n", line)
		}
	}
	fmt.Fprintf(&b, "\nrequest: %s, %s", count(len(l.Body()), "frame"), count(l.Size, "byte"))
	if hops := l.Hops(); len(hops) > 0 {
		fmt.Fprintf(&b, ", in an envelope of %s", count(len(hops), "frame"))
	}
	fmt.Fprintf(&b, "\n%s\n", shortFrames(l.Body()))
	return b.String()
}

// frameShown is how many bytes of a frame people are shown.
const frameShown = 2 << 10

// shortFrames is a message for people, a line a frame.
func shortFrames(frames [][]byte) string {
	var lines []string
	for _, frame := range frames {
		text := printableBytes(frame[:min(len(frame), frameShown)])
		if len(frame) > frameShown {
			text += fmt.Sprintf(" … (%d bytes in all)", len(frame))
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

func whoWas(a dead.Attempt) string {
	if a.Pid == 0 {
		return formerName(a)
	}
	return fmt.Sprintf("%s (pid %d)", formerName(a), a.Pid)
}

func took(d time.Duration) string { return max(d, 0).Round(time.Millisecond).String() }
