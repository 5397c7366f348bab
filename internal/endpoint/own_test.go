package endpoint

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A listener that was inherited leaves its socket's file to whoever made it, until it is its own.
func TestOwn(t *testing.T) {
	for _, own := range []bool{false, true} {
		made, err := Endpoint{Transport: IPC, Path: "*"}.Listen()
		if err != nil {
			t.Fatal(err)
		}
		fd, err := made.Duplicate()
		if err != nil {
			t.Fatal(err)
		}
		l, err := FromFD(made.Bound(), fd)
		if err != nil {
			t.Fatal(err)
		}
		if own {
			l.Own()
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		path := made.Bound().Path
		if _, err := os.Lstat(filepath.Dir(path)); own != errors.Is(err, os.ErrNotExist) {
			t.Errorf("own %t: %v", own, err)
		}
		if err := made.Leave(); err != nil {
			t.Fatal(err)
		}
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

// A file that another socket has by now, or that is nobody's, is not its own.
func TestOwnOfAnotherSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	made, err := Endpoint{Transport: IPC, Path: path}.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = made.Close() }()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	other := &Listener{bound: made.Bound(), fd: fd}
	other.Own()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the file of another socket is gone: %v", err)
	}
}

func TestAdmits(t *testing.T) {
	folder := filepath.Join(os.TempDir(), "zfleet123", "socket")
	for _, c := range []struct {
		declared, bound string
		want            bool
	}{
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:5000", true},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.2:5000", false},
		{"tcp://*:*", "tcp://127.0.0.1:5000", false},
		{"tcp://127.0.0.1:5000", "tcp://127.0.0.1:5000", false}, // it leaves nothing open
		{"ipc://*", "ipc://" + folder, true},
		{"ipc://*", "ipc:///run/hello.sock", false},
		{"ipc://*", "tcp://127.0.0.1:5000", false},
		{"ipc:///run/hello.sock", "ipc:///run/hello.sock", false},
	} {
		declared, err := Parse(c.declared)
		if err != nil {
			t.Fatal(err)
		}
		bound, err := Parse(c.bound)
		if err != nil {
			t.Fatal(err)
		}
		if got := declared.Admits(bound); got != c.want {
			t.Errorf("%s admits %s: %t", c.declared, c.bound, got)
		}
	}
}
