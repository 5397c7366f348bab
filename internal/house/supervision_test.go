package house

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every row of docs/supervision.md that says what zfleet does names a test that exists, or a script.
func TestSupervisionIsShown(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "supervision.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| | ") {
			continue
		}
		rows++
		for _, complaint := range unbacked(line, func(dir string) []string { return testsIn(t, dir) }, isFile) {
			t.Errorf("docs/supervision.md: %s", complaint)
		}
	}
	if rows < 20 {
		t.Errorf("docs/supervision.md has %d rows: is its table read?", rows)
	}
}

func isFile(path string) bool {
	_, err := os.Stat(filepath.Join("..", "..", path))
	return err == nil
}

var quoted = regexp.MustCompile("`([^`]+)`")

// unbacked is what is wrong with the last cell of a row: the tests that show it.
func unbacked(row string, testsIn func(dir string) []string, isFile func(path string) bool) (complaints []string) {
	cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
	shown := quoted.FindAllStringSubmatch(cells[len(cells)-1], -1)
	if len(shown) == 0 {
		return []string{"nothing shows the row" + cells[0] + ": name a test in its last cell"}
	}
	for _, name := range shown {
		dir, test, isTest := strings.Cut(name[1], ".Test")
		if isTest && slices.Contains(testsIn(dir), "Test"+test) || !isTest && isFile(name[1]) {
			continue
		}
		complaints = append(complaints, "there is no "+name[1]+", which is to show the row"+cells[0])
	}
	return complaints
}

// The rule itself, on rows that break it in each way once.
func TestUnbackedRowsAreFound(t *testing.T) {
	testsIn := func(dir string) []string { return map[string][]string{"e2e": {"TestShown"}}[dir] }
	isFile := func(path string) bool { return path == "cmd/x.txtar" }
	for row, want := range map[string]string{
		"| a | + | `e2e.TestShown`, `cmd/x.txtar` |\n": "",
		"| a | `+` | none |\n":                         "nothing shows the row a : name a test in its last cell",
		"| a | + | `e2e.TestGone` |\n":                 "there is no e2e.TestGone, which is to show the row a ",
		"| a | + | `cmd/y.txtar` `e2e.TestShown`|\n":   "there is no cmd/y.txtar, which is to show the row a ",
	} {
		if got := strings.Join(unbacked(row, testsIn, isFile), "\n"); got != want {
			t.Errorf("%s: got %q, want %q", row, got, want)
		}
	}
}
