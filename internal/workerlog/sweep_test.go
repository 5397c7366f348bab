package workerlog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// kept makes logs that were last written to so many hours before noon, turned over once.
func kept(t *testing.T, hours map[string]int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for slot, n := range hours {
		for i, name := range []string{slot + ".log", slot + ".log.1"} {
			path := filepath.Join(folder(dir), name)
			must(t, os.MkdirAll(filepath.Dir(path), 0o700))
			must(t, os.WriteFile(path, nil, 0o600))
			at := noon.Add(-time.Duration(n+i) * time.Hour)
			must(t, os.Chtimes(path, at, at))
		}
	}
	return dir
}

func TestSweepRemovesWhatIsOldAndUnused(t *testing.T) {
	hours := map[string]int{"hello/0": 50, "hello/1": 9, "hello/10": 50, "hello/proxy": 50, "gone/0": 11, "gone/proxy": 12}
	for what, test := range map[string]struct {
		most    int
		removed string
	}{
		"by age":    {10, "gone/0 gone/proxy hello/10"},
		"by number": {0, "gone/0 gone/proxy hello/1 hello/10"},
		"by both":   {1, "gone/0 gone/proxy hello/10"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := kept(t, hours)
			inUse := func(slot string) bool { return slot == "hello/0" || slot == "hello/proxy" }
			removed, err := Sweep(dir, inUse, noon.Add(-10*time.Hour), test.most)
			must(t, err)
			slices.Sort(removed)
			if got := strings.Join(removed, " "); got != test.removed {
				t.Errorf("removed %s, want %s", got, test.removed)
			}
			left, err := Workers(dir)
			must(t, err)
			for slot := range hours {
				if slices.Contains(left, slot) == slices.Contains(removed, slot) {
					t.Errorf("left: %v", left)
				}
			}
			if _, err := os.Stat(filepath.Join(folder(dir), "gone")); !os.IsNotExist(err) {
				t.Errorf("the folder of a service without logs: %v", err)
			}
		})
	}
	newest, err := Sweep(kept(t, hours), func(string) bool { return false }, time.Time{}, 1)
	if must(t, err); len(newest) != 5 || slices.Contains(newest, "hello/1") {
		t.Errorf("removed %v: the newest is the one to keep", newest)
	}
	if _, err := Sweep(t.TempDir(), nil, noon, 0); err != nil {
		t.Errorf("without a log: %v", err)
	}
}
