package endpoint

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Passed is a listening socket that somebody else, a service manager say, bound and handed to this process.
type Passed struct {
	FD   int
	Name string // what the manager calls it, "" if it does not say
}

// PassedSockets are those that no endpoint has taken yet. They are for one goroutine.
type PassedSockets []Passed

// Listen takes the socket that is bound where the endpoint would be, and binds one where none is. Errors are those of [Endpoint.Listen]
// and of [FromFD].
func (s *PassedSockets) Listen(e Endpoint) (*Listener, error) {
	if l, err := s.Take(e); l != nil || err != nil {
		return l, err
	}
	return e.Listen()
}

// Take is Listen where a socket was passed, and nil where none was.
func (s *PassedSockets) Take(e Endpoint) (*Listener, error) {
	at := slices.IndexFunc(*s, func(p Passed) bool { return p.isAt(e) })
	if at < 0 {
		return nil, nil
	}
	p := (*s)[at]
	*s = slices.Delete(*s, at, at+1)
	return FromFD(e, p.FD)
}

// AllTaken is an error that names the sockets that no endpoint took, for nobody would ever accept a connection there. wanted are the
// endpoints that there are.
func (s *PassedSockets) AllTaken(wanted []string) error {
	var errs []error
	for _, p := range *s {
		errs = append(errs, fmt.Errorf("cannot use the passed socket %s: no endpoint of the fleet is bound there, they are %s: "+
			"make the socket unit and the fleet file name the same address", p, strings.Join(wanted, ", ")))
	}
	return errors.Join(errs...)
}

// String names the socket and says where it is bound.
func (p Passed) String() string {
	name := fmt.Sprintf("%d", p.FD)
	if p.Name != "" {
		name = p.Name
	}
	switch bound, err := unix.Getsockname(p.FD); address := bound.(type) {
	case *unix.SockaddrUnix:
		return fmt.Sprintf("%s (ipc://%s)", name, address.Name)
	case *unix.SockaddrInet4, *unix.SockaddrInet6:
		return fmt.Sprintf("%s (tcp://%s)", name, addrPort(address))
	default:
		if err != nil {
			return fmt.Sprintf("%s (%v)", name, err)
		}
		return fmt.Sprintf("%s (neither tcp nor ipc)", name)
	}
}

// isAt says whether the socket is bound where the endpoint would be.
func (p Passed) isAt(e Endpoint) bool {
	bound, err := unix.Getsockname(p.FD)
	if err != nil || e.wildcard() {
		return false
	}
	switch address := bound.(type) {
	case *unix.SockaddrUnix:
		return e.Transport == IPC && samePath(address.Name, e.Path)
	case *unix.SockaddrInet4, *unix.SockaddrInet6:
		return e.Transport == TCP && p.isAtAddress(addrPort(address), e)
	}
	return false
}

func samePath(a, b string) bool {
	if strings.HasPrefix(a, "@") || strings.HasPrefix(b, "@") {
		return a == b
	}
	return filepath.Clean(a) == filepath.Clean(b)
}

// isAtAddress takes [::] for 0.0.0.0 where it takes IPv4 along: a socket unit's ListenStream=5559 is that.
func (p Passed) isAtAddress(bound netip.AddrPort, e Endpoint) bool {
	if int(bound.Port()) != e.Port {
		return false
	}
	wanted, err := e.address()
	switch {
	case err != nil:
		return false
	case wanted == netip.IPv4Unspecified() && bound.Addr() == netip.IPv6Unspecified():
		only, err := unix.GetsockoptInt(p.FD, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		return err == nil && only == 0
	}
	return wanted.WithZone("") == bound.Addr()
}
