package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// maxSocketPath is what fits into sun_path with its final zero byte, see unix(7).
const maxSocketPath = 107

// SocketPath is where the fleet of that name listens when it is told nothing else.
func SocketPath(fleet string) string { return filepath.Join(RunDir(fleet), "admin.sock") }

// Listen binds the admin socket with mode 0600. A socket that nobody answers at is removed first, anything else is left alone: the
// error is [AlreadyRunning] when a fleet answers there.
func Listen(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("cannot listen on %s: the path has %d bytes, a unix socket takes at most %d", path, len(path), maxSocketPath)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, reason(err))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot make %s private: %w", path, reason(err)), ln.Close())
	}
	return ln, nil
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at %s: %w", path, reason(err))
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("cannot listen on %s: it exists and is not a socket", path)
	}
	if !nobodyAt(path) {
		return whoIsAt(path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("cannot remove stale socket %s: %w", path, reason(err))
	}
	return nil
}

func nobodyAt(path string) bool {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return errors.Is(err, unix.ECONNREFUSED)
	}
	_ = conn.Close()
	return false
}

func whoIsAt(path string) error {
	who, err := NewClient(path).atOnce(context.Background())
	if err != nil {
		return fmt.Errorf("cannot listen on %s: another process does, and it is no fleet: %w", path, err)
	}
	return &AlreadyRunning{who}
}

// reason is the system's word alone: the path is in the message already.
func reason(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
