package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/config"
)

// tui is all that talks to people. Its rules:
//
//   - What was asked for goes to stdout, so that it can be piped; everything else goes to stderr.
//   - An error is one sentence that begins with what could not be done: `zfleet: cannot …`. No capital, no full stop. Then `hint: …`:
//     the command that mends it, or what to change. Complaints about a file are several lines that begin with its name and speak for
//     themselves.
//   - Words of a worker, a plugin or a file are shown without their control characters: a terminal obeys those.
//   - Colours are for terminals alone, and not with NO_COLOR (https://no-color.org). Nothing is told by colour only.
type tui struct {
	in       io.Reader
	out, err io.Writer
	atExit   []io.Closer // logs
}

// printf prints what was asked for.
func (ui *tui) printf(format string, args ...any) { _, _ = fmt.Fprintf(ui.out, format, args...) }

// line prints a line of what was asked for, which may have no end: it fails when nobody reads it any more.
func (ui *tui) line(text string) error {
	_, err := fmt.Fprintln(ui.out, text)
	return err
}

// hint prints the command that tells more.
func (ui *tui) hint(text string) { _, _ = fmt.Fprintf(ui.err, "hint: %s\n", printable(text)) }

// notef prints what is worth knowing beside it.
func (ui *tui) notef(format string, args ...any) {
	_, _ = fmt.Fprintf(ui.err, "zfleet: %s\n", printable(fmt.Sprintf(format, args...)))
}

// fail prints an error and how to mend it.
func (ui *tui) fail(err error) {
	var complaints config.Complaints
	if errors.As(err, &complaints) {
		_, _ = fmt.Fprintln(ui.err, printable(complaints.Error()))
		return
	}
	for line := range strings.Lines(printable(err.Error())) {
		_, _ = fmt.Fprintln(ui.err, ui.paint(ui.err, red, "zfleet: "+strings.TrimSuffix(line, "\n")))
	}
	if hint := hintOf(err); hint != "" {
		ui.hint(hint)
	}
}

func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

func isNoFleet(err error) bool {
	var none *admin.NoFleet
	return errors.As(err, &none)
}

// logLine prints a line of a log, which is JSON or was not written by the log.
func (ui *tui) logLine(line string) {
	if _, err := console(ui.err).Write([]byte(line)); err != nil {
		_, _ = fmt.Fprintln(ui.err, printable(line))
	}
}

// printable shows control characters as what they are instead of doing what they say. Lines stay lines.
func printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) {
			fmt.Fprintf(&b, "\\x%02x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsGraphic(r) }

type colour string

const (
	red    colour = "\x1b[31m"
	green  colour = "\x1b[32m"
	yellow colour = "\x1b[33m"
	dim    colour = "\x1b[2m"
	plain  colour = ""
)

// paint colours a text that goes to w.
func (ui *tui) paint(w io.Writer, c colour, text string) string {
	if c == plain || !colourful(w) {
		return text
	}
	return string(c) + text + "\x1b[0m"
}

func colourful(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func isTerminal(w io.Writer) bool {
	if kept, ok := w.(notClosed); ok {
		w = kept.Writer
	}
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
