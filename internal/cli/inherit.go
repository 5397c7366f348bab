package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"

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

// lifeline is closed when the supervisor that holds the other end of the inherited pipe is gone. Without one it never is.
func lifeline(env string) (<-chan struct{}, error) {
	if env == "" {
		return nil, nil
	}
	fd, err := strconv.Atoi(env)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %q is not a descriptor", control.EnvLifeline, env)
	}
	pipe := os.NewFile(uintptr(fd), "lifeline")
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = pipe.Read(make([]byte, 1)) // nothing is ever written to it
	}()
	return gone, nil
}
