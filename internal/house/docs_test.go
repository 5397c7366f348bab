package house

import (
	"os"
	"path/filepath"
	"regexp"
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

// docs/cli.md says what each kind of event means.
func TestEventKindsAreDocumented(t *testing.T) {
	root := filepath.Join("..", "..")
	source, err := os.ReadFile(filepath.Join(root, "internal", "timeline", "event.go"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^\t\w+ +Kind = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(kinds) < 30 {
		t.Fatalf("%d kinds were found: is event.go read?", len(kinds))
	}
	for _, kind := range kinds {
		if !regexp.MustCompile("(?m)^\\| (`\\w+`, )*`" + kind[1] + "`").Match(page) {
			t.Errorf("docs/cli.md has no row for events of the kind %s", kind[1])
		}
	}
}
