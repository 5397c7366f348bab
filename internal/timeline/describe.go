package timeline

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// The width of the columns that most fields fit into.
const (
	subjectWidth = 16
	kindWidth    = 13
)

// Line draws an event for people, in aligned columns; causes by their numbers. The day is told when it is not today.
func (e Event) Line(now time.Time) string {
	text := fmt.Sprintf("%s  %5d  %-*s  %-*s  %s", clock(e.Time, now), e.Seq, subjectWidth, e.Subject(), kindWidth, e.Kind, e.Words())
	if e.Cause != 0 {
		text += fmt.Sprintf("  (%d)", e.Cause)
	}
	return text
}

// clock is a time in the zone of now, whose day is left out when it is the same.
func clock(at, now time.Time) string {
	at = at.In(now.Location())
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04:05.000")
	}
	return at.Format("2006-01-02 15:04:05.000")
}

// Describe draws a story for people.
func (s Story) Describe(w io.Writer, now time.Time) {
	_, _ = fmt.Fprintf(w, "%s %s\n", s.Worker, s.Now)
	if s.Next != "" {
		_, _ = fmt.Fprintf(w, "next: %s\n", s.Next)
	}
	for _, l := range s.Lives {
		l.describe(w, now)
	}
	if s.Earlier > 0 {
		_, _ = fmt.Fprintf(w, "\n(lives before these: %d)\n", s.Earlier)
	}
}

func (l Life) describe(w io.Writer, now time.Time) {
	head := fmt.Sprintf("\n%s  %s  pid %d", l.Name, clock(l.Started, now), l.Pid)
	if l.Pid == 0 {
		head = fmt.Sprintf("\n%s  %s  no process", l.Name, clock(l.Started, now))
	}
	switch {
	case l.Ended != nil && l.Pid != 0:
		head += "  ran " + l.Ran.String()
	case l.Ended == nil && !l.orphaned:
		head += "  runs, since " + l.Ran.String()
	}
	_, _ = fmt.Fprintln(w, head)
	for _, words := range l.Because {
		_, _ = fmt.Fprintf(w, "  %s\n", words)
	}
	switch {
	case l.Dump != nil && len(l.Dump.Lines) > 0:
		_, _ = fmt.Fprintf(w, "  its stack dump on %s:\n    | %s\n", l.Dump.Signal, strings.Join(l.Dump.Lines, "\n    | "))
		if l.Dump.More {
			_, _ = fmt.Fprintf(w, "    (and more: zfleet logs %s)\n", l.Name)
		}
	case len(l.LastLines) > 0:
		_, _ = fmt.Fprintf(w, "  it printed last:\n    | %s\n", strings.Join(l.LastLines, "\n    | "))
	}
}
