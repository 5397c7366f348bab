package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// A link that zfleet was started by stays one; another name for it is not believed.
func TestOwnPath(t *testing.T) {
	executable, err := os.Executable()
	must(t, err)
	link := filepath.Join(t.TempDir(), "zfleet")
	must(t, os.Symlink(executable, link))
	for arg, want := range map[string]string{link: link, executable: executable, "/bin/sh": executable, "no such program": executable} {
		if got, err := ownPath(arg); err != nil || got != want {
			t.Errorf("started as %s: %s, %v, want %s", arg, got, err, want)
		}
	}
	t.Chdir(filepath.Dir(link))
	if got, err := ownPath("./zfleet"); err != nil || got != link {
		t.Errorf("started as ./zfleet: %s, %v, want %s", got, err, link)
	}
}
