package house

import (
	"strings"
	"testing"
)

// Every package has one package comment, which begins as the go command wants it: its job, its entry points, what it leaves to others.
func TestPackageComments(t *testing.T) {
	for dir, p := range packages(t) {
		switch {
		case len(p.docs) != 1:
			t.Errorf("%s has %d package comments, want 1: %q", dir, len(p.docs), p.docs)
		case p.name != "main" && !strings.HasPrefix(p.docs[0], "Package "+p.name+" "):
			t.Errorf("%s: the package comment does not begin with Package %s: %q", dir, p.name, p.docs[0])
		}
	}
}
