package admin

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStateDirFollowsTheEnvironment(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/srv/state")
	same(t, StateDir("hello"), "/srv/state/zfleet/hello")
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "/home/ada")
	want := map[bool]string{true: "/var/lib/zfleet/hello", false: "/home/ada/.local/state/zfleet/hello"}[os.Getuid() == 0]
	same(t, StateDir("hello"), want)
}

func TestStateDirIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "state")
	must(t, MakeStateDir(dir))
	info, err := os.Stat(dir)
	must(t, err)
	same(t, info.Mode().Perm(), fs.FileMode(0o700))
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, bad := range []string{file, filepath.Join(file, "below")} {
		if err := MakeStateDir(bad); err == nil || !strings.Contains(err.Error(), "name another with state_dir") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
