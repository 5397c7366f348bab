package launch

import (
	"os"
	"path/filepath"
	"testing"
)

// Each kill that the kernel counts is put down to one process.
func TestOOMWatch(t *testing.T) {
	t.Parallel()
	kills, there := uint64(7), true
	w := newOOMWatch(func() (uint64, bool) { return kills, there })
	expect := func(want bool) {
		t.Helper()
		if got := w.took(); got != want {
			t.Errorf("with %d kills: %v", kills, got)
		}
	}
	expect(false)
	kills = 9
	expect(true)
	expect(true)
	expect(false)
	kills, there = 10, false
	expect(false)
}

func TestCounter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "memory.events")
	if err := os.WriteFile(path, []byte("low 0\noom 3\noom_kill 2\noom_group_kill 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, ok := counter(path, "oom_kill"); n != 2 || !ok {
		t.Errorf("got %d, %v", n, ok)
	}
	if _, ok := counter(path, "high"); ok {
		t.Error("there is no such counter")
	}
	if _, ok := oomKills(); !ok {
		t.Error("this kernel counts nowhere")
	}
}
