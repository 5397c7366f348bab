package endpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// backlog is how many connections may wait to be accepted. The kernel cuts it down to net.core.somaxconn.
const backlog = 4096

// Listener is a listening socket: nonblocking, close-on-exec. It is for one goroutine.
type Listener struct {
	asked Endpoint
	bound Endpoint
	fd    int
	file  *os.File
	made  os.FileInfo // the socket file that Listen made, nil if none
	temp  string      // the folder that Listen made for it, "" if none
}

// Listen binds the endpoint and listens. A stale socket file is removed: one that nobody listens on any more. Errors begin with
// `cannot listen on` and name the endpoint; an address that is taken is an *InUse.
func (e Endpoint) Listen() (*Listener, error) {
	l := &Listener{asked: e, bound: e, fd: -1}
	err := l.listen()
	if err == nil {
		return l, nil
	}
	return nil, errors.Join(explain(e, err), l.Close())
}

func (l *Listener) listen() error {
	if err := l.makeFolder(); err != nil {
		return err
	}
	family, address, err := l.bound.sockaddr()
	if err != nil {
		return err
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	l.own(fd)
	if err := setOptions(fd, family); err != nil {
		return err
	}
	if err := l.bind(address); err != nil {
		return err
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return err
	}
	return l.finish()
}

// What a folder for ipc://* and the socket in it are called.
const (
	tempPrefix = "zfleet"
	tempSocket = "socket"
)

// makeFolder gives ipc://* a path of its own, as libzmq does.
func (l *Listener) makeFolder() error {
	if l.bound.Transport != IPC || l.bound.Path != "*" {
		return nil
	}
	temp, err := os.MkdirTemp("", tempPrefix)
	if err != nil {
		return err
	}
	l.temp, l.bound.Path = temp, filepath.Join(temp, tempSocket)
	return nil
}

// own makes the file while the descriptor still blocks: os.NewFile would hand a nonblocking one to Go's poller, which would then wake
// for every connection.
func (l *Listener) own(fd int) {
	l.fd, l.file = fd, os.NewFile(uintptr(fd), l.bound.String())
}

func setOptions(fd, family int) error {
	if family == unix.AF_UNIX {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil || family == unix.AF_INET {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0) // as libzmq with ZMQ_IPV6
}

func (l *Listener) bind(address unix.Sockaddr) error {
	err := unix.Bind(l.fd, address)
	if errors.Is(err, unix.EADDRINUSE) && l.bound.removeStale() {
		err = unix.Bind(l.fd, address)
	}
	if err != nil || l.bound.Transport != IPC || l.bound.Abstract() {
		return err
	}
	l.made, err = os.Lstat(l.bound.Path)
	return err
}

// finish reads what the kernel gave and makes the socket nonblocking.
func (l *Listener) finish() error {
	if l.bound.Transport == TCP {
		name, err := unix.Getsockname(l.fd)
		if err != nil {
			return err
		}
		l.bound.Port = int(addrPort(name).Port())
	}
	return unix.SetNonblock(l.fd, true)
}

// removeStale removes the file at an ipc path if it is a socket and a dial finds nobody there.
func (e Endpoint) removeStale() bool {
	before, err := os.Lstat(e.Path)
	if e.Transport != IPC || e.Abstract() || err != nil || before.Mode().Type() != os.ModeSocket {
		return false
	}
	if _, err := holderOfSocket(e.Path); !errors.Is(err, unix.ECONNREFUSED) {
		return false
	}
	return removeSame(e.Path, before) == nil
}

// removeSame removes a file unless another one stands in its place by now.
func removeSame(path string, before os.FileInfo) error {
	now, err := os.Lstat(path)
	if err != nil || !os.SameFile(before, now) {
		return nil
	}
	return os.Remove(path)
}

// FromFD takes over a listening socket that another process bound as ep, and that this one inherited. The Listener owns it then. The
// socket file of an ipc endpoint stays its maker's.
func FromFD(ep Endpoint, fd int) (*Listener, error) {
	l := &Listener{asked: ep, bound: ep, fd: fd}
	err := checkInherited(ep, fd)
	if err == nil {
		err = l.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: inherited descriptor %d: %w", ep, fd, err)
	}
	unix.CloseOnExec(fd)
	return l, nil
}

func checkInherited(ep Endpoint, fd int) error {
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return err
	}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return err
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return err
	}
	switch {
	case kind != unix.SOCK_STREAM:
		return errors.New("the socket is no stream socket: a socket unit needs ListenStream=")
	case listening == 0:
		return errors.New("the socket does not listen")
	case (domain == unix.AF_UNIX) != (ep.Transport == IPC):
		return fmt.Errorf("the socket is not %s", ep.Transport)
	}
	return nil
}

// Own makes the Listener remove its socket file when it is closed, as if Listen had made it: whoever did is gone.
func (l *Listener) Own() {
	if l.bound.Transport != IPC || l.bound.Abstract() || l.made != nil {
		return
	}
	if made, err := os.Lstat(l.bound.Path); err == nil && made.Mode().Type() == os.ModeSocket && l.isAt() {
		l.made = made
		l.temp = tempFolder(l.bound.Path)
	}
}

// isAt says whether the socket was bound to the path that the endpoint has.
func (l *Listener) isAt() bool {
	name, err := unix.Getsockname(l.fd)
	address, isUnix := name.(*unix.SockaddrUnix)
	return err == nil && isUnix && samePath(address.Name, l.bound.Path)
}

// tempFolder is the folder that makeFolder made for a socket, "" if it did not.
func tempFolder(path string) string {
	folder := filepath.Dir(path)
	if filepath.Base(path) != tempSocket || filepath.Dir(folder) != filepath.Clean(os.TempDir()) || !strings.HasPrefix(filepath.Base(folder), tempPrefix) {
		return ""
	}
	return folder
}

// Bound is the endpoint as it was bound: with the port or the path that was given for a wildcard.
func (l *Listener) Bound() Endpoint { return l.bound }

// FD is the listening descriptor, for epoll and accept4. It is the Listener's: do not close it.
func (l *Listener) FD() int { return l.fd }

// File is the listening descriptor as a file, for exec.Cmd.ExtraFiles. It is the Listener's: do not close it.
func (l *Listener) File() *os.File {
	if l.file == nil && l.fd >= 0 {
		l.own(l.fd)
	}
	return l.file
}

// Close stops listening and removes the socket file that Listen made, unless another one stands in its place by now. A second Close does
// nothing.
func (l *Listener) Close() error {
	var errs []error
	if l.made != nil {
		errs = append(errs, removeSame(l.bound.Path, l.made))
	}
	if l.temp != "" {
		errs = append(errs, os.Remove(l.temp))
	}
	switch {
	case l.file != nil:
		errs = append(errs, l.file.Close())
	case l.fd >= 0:
		errs = append(errs, unix.Close(l.fd))
	}
	*l = Listener{asked: l.asked, bound: l.bound, fd: -1}
	return errors.Join(errs...)
}
