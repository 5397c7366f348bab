package launch

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	maxLine = 16 << 10 // bytes of one line that are logged
	maxKept = 1 << 10  // bytes of one line that are kept for the end
	cutMark = " … (cut)"
)

// lines is a writer that cuts what it is given into lines, whatever that is. A line longer than maxLine is given on once it is that long,
// with its rest left out. It never fails and holds no more than one line.
type lines struct {
	mu       sync.Mutex // a stream that go-plugin writes to may be flushed meanwhile
	give     func(line []byte, cut bool)
	partial  []byte
	skipping bool // the rest of a line that was cut
}

func newLines(give func(line []byte, cut bool)) *lines { return &lines{give: give} }

// Write is io.Writer's. The line that give gets is valid until it returns.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, more, ended := bytes.Cut(rest, []byte("\n"))
		l.add(line)
		if ended {
			l.end()
		}
		rest = more
	}
	return len(p), nil
}

// add appends a piece of a line.
func (l *lines) add(piece []byte) {
	if l.skipping {
		return
	}
	room := maxLine - len(l.partial)
	l.partial = append(l.partial, piece[:min(room, len(piece))]...)
	if len(piece) > room {
		l.give(l.partial, true)
		l.partial, l.skipping = l.partial[:0], true
	}
}

func (l *lines) end() {
	if !l.skipping {
		l.give(l.partial, false)
	}
	l.partial, l.skipping = l.partial[:0], false
}

// flush gives on a last line that has no end.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.end()
	}
}

// plain is a line as text that is safe in a log and on a terminal: what is not printable is written as Go would, \x1b.
func plain(line []byte) string {
	line = bytes.TrimRight(line, "\r\n\t ")
	if printable(line) {
		return string(line)
	}
	var b strings.Builder
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + hex(line[0]))
		case r == '\t' || strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		line = line[size:]
	}
	return b.String()
}

func printable(line []byte) bool {
	for _, c := range line {
		if c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

func hex(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// shorten cuts text to at most limit bytes, between characters, and says so.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len(cutMark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + cutMark
}
