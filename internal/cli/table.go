package cli

import (
	"io"
	"strings"
	"unicode/utf8"
)

// cell is one field of a table. An empty one is shown as a dash, so that every line has as many fields as the first.
type cell struct {
	text   string
	colour colour
}

// table prints aligned columns. Colours do not count as width, which is what text/tabwriter cannot do.
func (ui *tui) table(w io.Writer, header []string, rows [][]cell) {
	all := [][]cell{nil}
	for _, title := range header {
		all[0] = append(all[0], cell{title, dim})
	}
	all = append(all, rows...)
	widths := make([]int, len(header))
	for _, row := range all {
		for i := range row {
			row[i].text = field(row[i].text)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	var b strings.Builder
	for _, row := range all {
		for i, c := range row {
			b.WriteString(ui.paint(w, c.colour, c.text))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		b.WriteString("\n")
	}
	_, _ = io.WriteString(w, b.String())
}

func field(text string) string {
	text = strings.Join(strings.Fields(printable(text)), " ")
	if text == "" {
		return "-"
	}
	return text
}
