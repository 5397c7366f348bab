package endpoint

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// InUse says that an endpoint cannot be bound because a process listens there already.
type InUse struct {
	Endpoint Endpoint
	Pid      int    // 0: a process of another user, or of another container, or none that can be seen
	Command  string // its name, as ps prints it
}

func (e *InUse) Error() string {
	what := "port"
	if e.Endpoint.Transport == IPC {
		what = "path"
	}
	if e.Pid == 0 {
		return fmt.Sprintf("cannot listen on %s: the %s is taken by a process of another user", e.Endpoint, what)
	}
	return fmt.Sprintf("cannot listen on %s: the %s is taken by %s (pid %d)", e.Endpoint, what, e.Command, e.Pid)
}

// Hint is what the operator can do.
func (e *InUse) Hint() string {
	switch {
	case e.Pid != 0:
		return fmt.Sprintf("stop it (kill %d), or choose another endpoint", e.Pid)
	case e.Endpoint.Transport == TCP:
		return fmt.Sprintf("find it with: sudo ss -ltnp 'sport = :%d'", e.Endpoint.Port)
	}
	return "find it with: sudo ss -lxp, or choose another path"
}

// explain turns what the kernel said into words.
func explain(e Endpoint, err error) error {
	folder := filepath.Dir(e.Path)
	switch {
	case errors.Is(err, unix.EADDRINUSE) && e.notSocket():
		return fmt.Errorf("cannot listen on %s: there is a file at that path that is no socket: move it away, or choose another path", e)
	case errors.Is(err, unix.EADDRINUSE):
		return inUse(e)
	case errors.Is(err, unix.EACCES) && e.Transport == TCP:
		return fmt.Errorf("cannot listen on %s: permission denied: ports below 1024 need root or CAP_NET_BIND_SERVICE", e)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("cannot listen on %s: permission denied: the folder %s must be writable", e, folder)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("cannot listen on %s: this machine has no such address: write tcp://*:%s for all it has", e, e.port())
	case errors.Is(err, unix.EAFNOSUPPORT):
		return fmt.Errorf("cannot listen on %s: this machine has no IPv6", e)
	case errors.Is(err, unix.ENOENT) && e.Transport == IPC:
		return fmt.Errorf("cannot listen on %s: there is no folder %s: make it, or choose another path", e, folder)
	}
	return fmt.Errorf("cannot listen on %s: %w", e, err)
}

func inUse(e Endpoint) *InUse {
	var pid int
	if e.Transport == IPC {
		pid, _ = holderOfSocket(e.Path)
	} else {
		pid = holderOfPort(e)
	}
	return &InUse{Endpoint: e, Pid: pid, Command: commandOf(pid)}
}

// holderOfSocket dials a unix socket and says who listens there. ECONNREFUSED is nobody. Any other error means that it could not be told.
func holderOfSocket(path string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return 0, err
	}
	return credentials(fd)
}

// holderOfPort finds the process that has the port. A listener is looked for first; a connection that goes out from this port takes it too.
func holderOfPort(e Endpoint) int {
	wanted, err := e.address()
	if err != nil {
		return 0
	}
	var listener, other uint64
	for s := range newProc().sockets() {
		switch {
		case s.inode == 0 || int(s.local.Port()) != e.Port || !overlap(wanted, s.local.Addr()):
		case s.listens:
			listener = s.inode
		default:
			other = s.inode
		}
	}
	if listener == 0 {
		listener = other
	}
	return newProc().owners(map[uint64]bool{listener: true})[listener]
}

// overlap says whether a socket on one address keeps another one from being bound to the same port. An IPv6 wildcard that does not take
// IPv4 along cannot be told from one that does, and counts as one that does.
func overlap(a, b netip.Addr) bool {
	both := a.Is4() == b.Is4() || a == netip.IPv6Unspecified() || b == netip.IPv6Unspecified()
	return a.WithZone("") == b.WithZone("") || both && (a.IsUnspecified() || b.IsUnspecified())
}

func (e Endpoint) notSocket() bool {
	var st unix.Stat_t
	return e.Transport == IPC && !e.Abstract() && unix.Lstat(e.Path, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFSOCK
}
