package admin

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// A service finds what its unit's RuntimeDirectory= and StateDirectory= made for it.
func TestFoldersOfAService(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_STATE_HOME", "")
	for value, want := range map[string]string{
		"/run/zfleet/hello":            "/run/zfleet/hello",
		"/run/zfleet":                  "/run/zfleet/hello",
		"/run/zfleet/hello/:/run/more": "/run/zfleet/hello",
	} {
		t.Setenv("RUNTIME_DIRECTORY", value)
		t.Setenv("STATE_DIRECTORY", value)
		same(t, RunDir("hello"), want)
		same(t, StateDir("hello"), want)
	}
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000/hello")
	same(t, RunDir("hello"), "/run/user/1000/hello/zfleet/hello")
}

// root at a terminal finds the fleets that run as services.
func TestRootLooksWhereServicesAre(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/0")
	if got := folders(RunDir("hello"), "hello"); !slices.Equal(got, []string{"/run/user/0/zfleet/hello", "/run/zfleet/hello"}) {
		t.Errorf("root looks in %v", got)
	}
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	if got := folders(runBase()); !slices.Equal(got, []string{"/run/user/1000/zfleet"}) {
		t.Errorf("others look in %v", got)
	}
}

func TestRunFolderOfAService(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hello")
	must(t, os.Mkdir(dir, 0o755))
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("RUNTIME_DIRECTORY", dir)
	made, err := MakeRunDir("hello")
	must(t, err)
	same(t, made, dir)
	info, err := os.Stat(dir)
	must(t, err)
	same(t, info.Mode().Perm(), fs.FileMode(0o700))
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
