package workerkit

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Socket options, zmq_setsockopt(3). What is not here is libzmq's default, among them no limit on a message's size: that is the proxy's.
const (
	// linger is how long a closed socket goes on sending the replies it was given. It is less than the 5 s between SIGTERM and SIGKILL.
	linger = 3 * time.Second
	// receiveHWM is how many requests wait in a socket before its peer is held up: twice what a zfleet proxy gives a lane.
	receiveHWM = 256
	// A backend that restarts is back within milliseconds; one that is gone is tried twice a second.
	reconnectMin, reconnectMax = 20 * time.Millisecond, 500 * time.Millisecond
	// connectTimeout ends an attempt that nobody answers; the kernel's own limit is about two minutes.
	connectTimeout = 5 * time.Second
)

// target is one endpoint to connect to, and whether ZMQ_IPV6 must be on for it.
type target struct {
	endpoint string
	ipv6     bool
}

func targets(b Backend) []target {
	var ts []target
	for _, endpoint := range b.Endpoints {
		ts = append(ts, target{endpoint, wantsIPv6(endpoint)})
	}
	return ts
}

// wantsIPv6 is no for a name that has an IPv4 address: with ZMQ_IPV6 on, libzmq takes localhost for ::1 alone, and a proxy that is bound to
// tcp://*:5560 is not there unless it has IPv6 on too.
func wantsIPv6(endpoint string) bool {
	address, tcp := strings.CutPrefix(endpoint, "tcp://")
	address = address[strings.LastIndex(address, ";")+1:] // tcp://source;destination, zmq_tcp(7)
	host, _, err := net.SplitHostPort(address)
	if !tcp || err != nil {
		return false
	}
	if strings.Contains(host, ":") {
		return true
	}
	ips, err := net.LookupIP(host)
	return err == nil && !slices.ContainsFunc(ips, func(ip net.IP) bool { return ip.To4() != nil })
}

// openREP returns a REP socket that connects to the targets, now and whenever a connection is lost.
func openREP(ctx *zmq.Context, b Backend, ts []target) (*zmq.Socket, error) {
	s, err := ctx.NewSocket(zmq.REP)
	if err != nil {
		return nil, fmt.Errorf("cannot open a REP socket: %w", err)
	}
	if err := errors.Join(setOptions(s), setIdentity(s, b)); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot set up a REP socket: %w", err), s.Close())
	}
	for _, t := range ts {
		if err := errors.Join(s.SetIpv6(t.ipv6), s.Connect(t.endpoint)); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot connect to %q: %w", t.endpoint, err), s.Close())
		}
	}
	return s, nil
}

func setOptions(s *zmq.Socket) error {
	return errors.Join(
		s.SetLinger(linger),
		s.SetRcvhwm(receiveHWM),
		s.SetSndhwm(0), // a REP drops a reply when its peer's pipe is full
		s.SetReconnectIvl(reconnectMin),
		s.SetReconnectIvlMax(reconnectMax),
		s.SetConnectTimeout(connectTimeout),
		s.SetTcpKeepalive(1), // a backend on another machine that vanished without a word is noticed after 90 s
		s.SetTcpKeepaliveIdle(60),
		s.SetTcpKeepaliveIntvl(10),
		s.SetTcpKeepaliveCnt(3),
	)
}

// setIdentity names the worker to the proxy. A REP sends no Identity property, so the username of the PLAIN mechanism (RFC 37) is its name.
func setIdentity(s *zmq.Socket, b Backend) error {
	if b.Secret == "" {
		return nil
	}
	return errors.Join(s.SetPlainUsername(b.Worker), s.SetPlainPassword(b.Secret))
}
