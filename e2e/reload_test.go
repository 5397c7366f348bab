package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// rewrite replaces some text of the fleet's file.
func (f *fleet) rewrite(t *testing.T, old, next string) {
	t.Helper()
	text, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("there is no %q in\n%s", old, text)
	}
	if err := os.WriteFile(f.file, []byte(strings.Replace(string(text), old, next, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A fleet becomes what its file says under load: nothing is lost, and nothing is run twice.
func TestReloadUnderLoad(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 2\nenv = { WHO = \"one\" }\n")
	l := startLoad(t, f.frontend, 8)
	f.rewrite(t, "count = 2", "count = 4")
	f.rewrite(t, `"one"`, `"two"`)
	out, err := f.zfleet(t, "reload")
	if want := "scale echo: 2 → 4\nroll echo: workers.env.WHO changed\n"; err != nil || string(out) != want {
		t.Fatalf("reload: %v\n%s", err, out)
	}
	l.progress(100)
	if who := f.order(t, "env WHO"); who != "two" {
		t.Errorf("a worker has WHO=%s", who)
	}
	l.stop()
	f.until(t, "four new workers", func(s admin.Service) bool { return s.Ready == 4 && len(s.Workers) == 4 && lifeSum(s) == 6 })
	if s, err := f.ps(t); err != nil || s.Counters.Redelivered != 0 {
		t.Errorf("%d requests were delivered twice (%v)", s.Counters.Redelivered, err)
	}
}
