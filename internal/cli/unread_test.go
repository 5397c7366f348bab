package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// fullPipe takes so many lines, and then has no reader any more.
type fullPipe struct {
	room int
	strings.Builder
}

func (p *fullPipe) Write(line []byte) (int, error) {
	if p.room == 0 {
		return 0, errors.New("broken pipe")
	}
	p.room--
	return p.Builder.Write(line)
}

func TestLinesThatNobodyReadsAreKept(t *testing.T) {
	pipe := &fullPipe{room: 1}
	l := &unreadLog{to: pipe}
	for i := range mostUnwritten + 3 {
		if n, err := fmt.Fprintf(l, "line %d\n", i); err != nil || n == 0 {
			t.Fatalf("line %d: %d, %v", i, n, err)
		}
	}
	kept := l.lines()
	if pipe.String() != "line 0\n" || len(kept.Lines) != mostUnwritten || kept.Dropped != 2 || kept.Lines[0] != "line 3" {
		t.Errorf("%q was written; %d are kept from %q on, %d are not", pipe.String(), len(kept.Lines), kept.Lines[0], kept.Dropped)
	}
	if _, err := l.Write([]byte(strings.Repeat("x", mostUnwrittenBytes) + "\n")); err != nil {
		t.Fatal(err)
	}
	if kept = l.lines(); len(kept.Lines) != 1 || kept.Dropped != mostUnwritten+2 {
		t.Errorf("beside a long line %d are kept, %d are not", len(kept.Lines)-1, kept.Dropped)
	}
}
