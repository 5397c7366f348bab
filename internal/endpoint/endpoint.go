// Package endpoint is ZeroMQ endpoints as libzmq spells them: tcp://*:5559, tcp://eth0:5559, tcp://[::1]:5559, tcp://127.0.0.1:* (a
// port that the kernel gives), ipc:///run/x.sock, ipc://@abstract, ipc://* (a path that zfleet gives). The rules are those of
// zmq_tcp(7) and zmq_ipc(7).
//
// Parse checks one, Listen binds it, FromFD takes over a socket that another process bound, Connect turns what was bound into what a
// peer on this machine connects to. A port that is taken is an InUse error, which says by whom. PeerOf and Pids say which process is at
// the other end of an accepted connection. What is said over a connection is left to others.
package endpoint

import (
	"fmt"
	"strconv"
	"strings"
)

// The transports.
const (
	TCP = "tcp"
	IPC = "ipc"
)

// Endpoint is one parsed endpoint. Two are the same endpoint when they are ==; see Clashes for two that cannot both be bound.
type Endpoint struct {
	Transport string // TCP or IPC
	Host      string // tcp: *, an IPv4 or IPv6 address (without brackets), an interface, a host name
	Port      int    // tcp: 0 is a port that the kernel gives
	Path      string // ipc: a path, @name for an abstract socket, * for a path that Listen gives
}

// Parse reads an endpoint to listen on, or to connect to once it is bound. Its errors name the endpoint and what to write instead.
func Parse(s string) (Endpoint, error) {
	transport, address, found := strings.Cut(s, "://")
	switch {
	case s == "":
		return Endpoint{}, fmt.Errorf("endpoint is empty: write tcp://*:PORT or ipc://PATH")
	case !found:
		return Endpoint{}, fmt.Errorf("endpoint %q has no transport: write %s", s, withTransport(s))
	case transport == TCP:
		return parseTCP(s, address)
	case transport == IPC:
		return parseIPC(s, address)
	case strings.EqualFold(transport, TCP) || strings.EqualFold(transport, IPC):
		return Endpoint{}, fmt.Errorf("endpoint %q: transports are written small: write %s://%s", s, strings.ToLower(transport), address)
	}
	return Endpoint{}, fmt.Errorf("endpoint %q: there is no transport %s here: write tcp://*:PORT or ipc://PATH", s, transport)
}

// withTransport guesses what was meant by an endpoint without one.
func withTransport(s string) string {
	transport, address, _ := strings.Cut(s, ":")
	switch port, err := strconv.ParseUint(strings.TrimLeft(s, ":"), 10, 16); {
	case err == nil:
		return fmt.Sprintf("tcp://*:%d", port)
	case transport == TCP:
		return "tcp://" + strings.TrimPrefix(address, "/")
	case transport == IPC:
		return "ipc://" + address
	case strings.HasPrefix(s, "@") || strings.Contains(s, "/"):
		return "ipc://" + s
	}
	return "tcp://" + s
}

// String spells the endpoint as libzmq does.
func (e Endpoint) String() string {
	switch {
	case e.Transport == IPC:
		return "ipc://" + e.Path
	case strings.Contains(e.Host, ":"):
		return "tcp://[" + e.Host + "]:" + e.port()
	}
	return "tcp://" + e.Host + ":" + e.port()
}

// Admits says whether an endpoint that leaves its port or path open can have become bound.
func (e Endpoint) Admits(bound Endpoint) bool {
	switch {
	case e.Transport != bound.Transport:
		return false
	case e.Transport == IPC:
		return e.Path == "*" && tempFolder(bound.Path) != ""
	}
	return e.Port == 0 && e.Host == bound.Host
}

func (e Endpoint) port() string {
	if e.Port == 0 {
		return "*"
	}
	return strconv.Itoa(e.Port)
}

// UnmarshalText is Parse, for decoders.
func (e *Endpoint) UnmarshalText(text []byte) (err error) {
	*e, err = Parse(string(text))
	return err
}

// MarshalText is String, for encoders.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }
