package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Complaint is one thing that is wrong with a file, at the place where it is mended.
type Complaint struct {
	File    string
	Line    int // from 1
	Column  int // from 1, in characters
	Width   int // in characters, at least 1
	Message string
	Source  string // the line
	start   int
}

// Complaints is everything that is wrong with a file, in the file's order.
type Complaints []Complaint

func (c Complaints) Error() string {
	texts := make([]string, len(c))
	for i := range c {
		texts[i] = c[i].String()
	}
	return strings.Join(texts, "\n")
}

// sorted also leaves out what is said twice of one place.
func (c Complaints) sorted() Complaints {
	slices.SortStableFunc(c, func(a, b Complaint) int { return cmp.Compare(a.start, b.start) })
	return slices.CompactFunc(c, func(a, b Complaint) bool { return a.start == b.start && a.Message == b.Message })
}

// String is the complaint as people read it:
//
//	fleet.toml:7:7: max (2) is below min (4)
//	  7 | max = 2
//	    |       ^
func (c Complaint) String() string {
	number := fmt.Sprintf("%3d", c.Line)
	before, marked := c.parts()
	return fmt.Sprintf("%s:%d:%d: %s\n%s | %s\n%s | %s%s", c.File, c.Line, c.Column, c.Message,
		number, printable(c.Source), strings.Repeat(" ", len(number)),
		strings.Repeat(" ", columns(before)), strings.Repeat("^", max(1, columns(marked))))
}

// parts cuts the source line before and after what the carets stand under.
func (c Complaint) parts() (before, marked string) {
	runes := []rune(c.Source)
	from := min(c.Column-1, len(runes))
	return string(runes[:from]), string(runes[from:min(from+c.Width, len(runes))])
}

func columns(s string) int { return utf8.RuneCountInString(printable(s)) }

// printable keeps the columns of a terminal: tabs become four spaces, what cannot be seen becomes a question mark.
func printable(line string) string {
	line = strings.ReplaceAll(line, "\t", "    ")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, line)
}

// complaintAt finds the line and column of a span, which is clipped to one line of the text.
func complaintAt(file, text string, at span, message string) Complaint {
	start := runeStart(text, min(max(at.start, 0), len(text)))
	first := strings.LastIndexByte(text[:start], '\n') + 1
	line, _, _ := strings.Cut(text[first:], "\n")
	line = strings.TrimSuffix(line, "\r")
	from := min(start-first, len(line))
	to := min(max(at.end-first, from), len(line))
	return Complaint{
		File:    file,
		Line:    strings.Count(text[:start], "\n") + 1,
		Column:  utf8.RuneCountInString(line[:from]) + 1,
		Width:   max(1, utf8.RuneCountInString(line[from:to])),
		Message: message,
		Source:  line,
		start:   start,
	}
}

// runeStart goes back to where the character at an offset begins: the decoder counts bytes.
func runeStart(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}
