package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// stale leaves a socket that nobody listens at, as a killed daemon does.
func stale(t *testing.T, path string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	must(t, err)
	ln.SetUnlinkOnClose(false)
	must(t, ln.Close())
}

func TestRunDirFollowsTheEnvironment(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	same(t, SocketPath("hello"), "/run/user/7/zfleet/hello/admin.sock")
	t.Setenv("XDG_RUNTIME_DIR", "relative")
	t.Setenv("TMPDIR", "/somewhere")
	want := map[bool]string{true: "/run/zfleet/hello", false: "/somewhere/zfleet-"}[os.Getuid() == 0]
	if got := RunDir("hello"); !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRunDirIsPrivate(t *testing.T) {
	base := shortDir(t)
	t.Setenv("XDG_RUNTIME_DIR", base)
	for range 2 {
		dir, err := MakeRunDir("hello")
		must(t, err)
		info, err := os.Stat(dir)
		must(t, err)
		same(t, info.Mode().Perm(), fs.FileMode(0o700))
		must(t, os.Chmod(dir, 0o755)) // the second time it is made private again
	}
	must(t, os.WriteFile(filepath.Join(base, "zfleet", "file"), nil, 0o600))
	must(t, os.Symlink("hello", filepath.Join(base, "zfleet", "link")))
	for _, name := range []string{"file", "link"} {
		if _, err := MakeRunDir(name); err == nil || !strings.Contains(err.Error(), "not a folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", base+"/none")
	_, err := MakeRunDir("hello")
	same(t, err.Error(), "cannot make run folder "+base+"/none/zfleet: no such file or directory")
}

// In the temp folder somebody else may have been first.
func TestRunDirOfAnotherUserIsNotUsed(t *testing.T) {
	dir, owner := "/", 0
	if os.Geteuid() == 0 {
		dir, owner = shortDir(t), 4711
		must(t, os.Chown(dir, owner, -1))
	}
	if err := makePrivate(dir); err == nil || err.Error() != fmt.Sprintf("it belongs to user %d", owner) {
		t.Errorf("got %v", err)
	}
}

func TestListenTakesOverOnlyStaleSockets(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "admin.sock")
	stale(t, path)
	ln := mustListen(t, path)
	info, err := os.Stat(path)
	must(t, err)
	same(t, info.Mode().Perm(), fs.FileMode(0o600))

	go hangUp(ln)
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another process does") {
		t.Errorf("a socket of something else: %v", err)
	}
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, []byte("precious"), 0o600))
	_, err = Listen(file)
	same(t, err.Error(), "cannot listen on "+file+": it exists and is not a socket")
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Error("the file is gone")
	}
	if _, err := Listen(filepath.Join(dir, strings.Repeat("x", 108))); err == nil || !strings.Contains(err.Error(), "at most 107") {
		t.Errorf("long path: %v", err)
	}
}

func TestListenNamesTheFleetThatRuns(t *testing.T) {
	client, _ := served(t, fakeFleet{})
	_, err := Listen(client.Socket())
	var running *AlreadyRunning
	if !errors.As(err, &running) {
		t.Fatalf("got %v", err)
	}
	same(t, running.Version, me)
}

func TestClaimIsOneProcessesAtATime(t *testing.T) {
	dir := shortDir(t)
	release, err := Claim(dir, Version{Fleet: "hello", Pid: 41, File: "/a/fleet.toml"})
	must(t, err)
	_, err = Claim(dir, Version{Fleet: "hello", Pid: 42, File: "/b/fleet.toml"})
	same(t, err.Error(), `cannot start fleet "hello": it is already running (pid 41, started with /a/fleet.toml)`)
	must(t, release())
	release, err = Claim(dir, Version{Fleet: "hello", Pid: 7})
	must(t, err)
	_, err = Claim(dir, Version{Fleet: "hello", Pid: 42})
	same(t, err.Error(), `cannot start fleet "hello": it is already running (pid 7)`)
	must(t, release())
}

func TestClaimHasOneWinner(t *testing.T) {
	dir := shortDir(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for pid := range 16 {
		wg.Go(func() {
			release, err := Claim(dir, Version{Fleet: "hello", Pid: pid + 1})
			var running *AlreadyRunning
			switch {
			case err == nil:
				won.Add(1)
				t.Cleanup(func() { _ = release() })
			case !errors.As(err, &running):
				t.Errorf("pid %d: %v", pid, err)
			}
		})
	}
	wg.Wait()
	same(t, won.Load(), 1)
}
