package page

import "testing"

func TestReplace(t *testing.T) {
	mine, other := begin("mine"), begin("other")
	page := "# Benchmarks\n" + other + "theirs\n" + end + mine + "old\nfigures\n" + end + "The end.\n"
	got, err := replace(page, "mine", "new\n")
	if want := "# Benchmarks\n" + other + "theirs\n" + end + mine + "\nnew\n\n" + end + "The end.\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if again, err := replace(got, "mine", "new\n"); err != nil || again != got {
		t.Errorf("the second time it gave %q, %v", again, err)
	}
	for _, bad := range []string{"", mine, end, end + mine, other + end} {
		if _, err := replace(bad, "mine", "new\n"); err == nil {
			t.Errorf("no error for a page %q", bad)
		}
	}
}
