package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/control"
)

// The ports of a proxy, as control.EnvListeners names them.
const (
	frontendPort = control.Frontend
	backendPort  = control.Backend
)

// inheritance is the descriptors of listening sockets that a supervisor holds and has given this process, by port.
type inheritance map[string][]int

// inheritedListeners reads control.EnvListeners; "" is a proxy without supervisor, which binds its ports itself.
func inheritedListeners(env string) (inheritance, error) {
	fds := inheritance{}
	for _, field := range strings.Fields(env) {
		port, number, _ := strings.Cut(field, "=")
		fd, err := strconv.Atoi(number)
		if err != nil || port != frontendPort && port != backendPort {
			return nil, fmt.Errorf("cannot read %s: %q is not frontend=FD or backend=FD", control.EnvListeners, field)
		}
		fds[port] = append(fds[port], fd)
	}
	return fds, nil
}

// lifeline is an inherited pipe whose other end the supervisor holds. Without a supervisor it is nil.
type lifeline struct {
	pipe *os.File
	gone chan struct{} // closed when the supervisor is gone
}

func openLifeline(env string) (*lifeline, error) {
	if env == "" {
		return nil, nil
	}
	fd, err := strconv.Atoi(env)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %q is not a descriptor", control.EnvLifeline, env)
	}
	l := &lifeline{os.NewFile(uintptr(fd), "lifeline"), make(chan struct{})}
	go l.watch()
	return l, nil
}

func (l *lifeline) watch() {
	defer close(l.gone)
	_, _ = l.pipe.Read(make([]byte, 1)) // nothing is ever written to it
}

// ended is closed when the supervisor is gone; nil: there is none.
func (l *lifeline) ended() <-chan struct{} {
	if l == nil {
		return nil
	}
	return l.gone
}

// isCut says whether the supervisor is gone at this moment, without waiting for whoever watches.
func (l *lifeline) isCut() (cut bool) {
	if l == nil {
		return false
	}
	select {
	case <-l.gone:
		return true
	default:
	}
	raw, err := l.pipe.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd)}} // POLLHUP is always told: poll(2)
		n, err := unix.Poll(poll, 0)
		cut = err == nil && n > 0
	})
	return err == nil && cut
}
