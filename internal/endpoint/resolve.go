package endpoint

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// address is the IP address that a host stands for when it is listened on. As in libzmq, an interface goes before a host name and IPv4
// before IPv6.
func (e Endpoint) address() (netip.Addr, error) {
	if e.Host == "*" {
		return netip.IPv4Unspecified(), nil
	}
	if address, err := netip.ParseAddr(e.Host); err == nil {
		return address, nil
	}
	if nic, err := net.InterfaceByName(e.Host); err == nil {
		return interfaceAddress(nic)
	}
	ips, err := net.LookupIP(e.Host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("there is no interface and no host of the name %s", e.Host)
	}
	return preferred(ips, ""), nil
}

func interfaceAddress(nic *net.Interface) (netip.Addr, error) {
	nets, err := nic.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	var ips []net.IP
	for _, n := range nets {
		if ipnet, ok := n.(*net.IPNet); ok {
			ips = append(ips, ipnet.IP)
		}
	}
	if len(ips) == 0 {
		return netip.Addr{}, fmt.Errorf("interface %s has no address", nic.Name)
	}
	return preferred(ips, nic.Name), nil
}

// preferred is the first IPv4 address, else the first IPv6 address that needs no zone, else the first one with its zone.
func preferred(ips []net.IP, zone string) netip.Addr {
	var best netip.Addr
	for _, ip := range ips {
		address, ok := netip.AddrFromSlice(ip)
		address = address.Unmap()
		switch {
		case ok && address.Is4():
			return address
		case ok && (!best.IsValid() || best.IsLinkLocalUnicast() && !address.IsLinkLocalUnicast()):
			best = address
		}
	}
	if best.IsLinkLocalUnicast() {
		best = best.WithZone(zone)
	}
	return best
}

// sockaddr is what bind(2) and connect(2) want, and the address family.
func (e Endpoint) sockaddr() (int, unix.Sockaddr, error) {
	if e.Transport == IPC {
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: e.Path}, nil
	}
	address, err := e.address()
	if err != nil {
		return 0, nil, err
	}
	if address.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: e.Port, Addr: address.As4()}, nil
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: e.Port, Addr: address.As16(), ZoneId: zoneID(address.Zone())}, nil
}

func zoneID(zone string) uint32 {
	if nic, err := net.InterfaceByName(zone); err == nil {
		return uint32(nic.Index)
	}
	n, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return 0 // no zone, or none that exists: bind then says that there is no such address
	}
	return uint32(n)
}

// Connect is what a peer on this machine connects to when this endpoint is bound: * and 0.0.0.0 become 127.0.0.1, [::] becomes [::1], an
// interface becomes its address. An endpoint whose port or path is still to be given stays without one.
func (e Endpoint) Connect() Endpoint {
	if e.Transport != TCP {
		return e
	}
	switch address, err := netip.ParseAddr(e.Host); {
	case e.Host == "*" || address == netip.IPv4Unspecified():
		e.Host = "127.0.0.1"
	case address == netip.IPv6Unspecified():
		e.Host = "::1"
	case err != nil:
		if nic, err := net.InterfaceByName(e.Host); err == nil {
			if address, err := interfaceAddress(nic); err == nil {
				e.Host = address.String()
			}
		}
	}
	return e
}

// Clashes says whether two endpoints cannot both be bound on one machine, as far as that can be said without looking at the machine: an
// interface or a host name clashes with its own name only.
func (e Endpoint) Clashes(other Endpoint) bool {
	if e.Transport != other.Transport || e.wildcard() || other.wildcard() {
		return false
	}
	if e.Transport == IPC {
		return e.Path == other.Path
	}
	return e.Port == other.Port && (e.anyHost(other) || other.anyHost(e) || e.plainHost() == other.plainHost())
}

// wildcard: the kernel, or Listen, gives each listener its own.
func (e Endpoint) wildcard() bool {
	return e.Transport == TCP && e.Port == 0 || e.Transport == IPC && e.Path == "*"
}

// anyHost says whether e is bound on the address of other, whatever that is. [::] takes IPv4 along; * and 0.0.0.0 leave IPv6 free.
func (e Endpoint) anyHost(other Endpoint) bool {
	switch e.plainHost() {
	case "::":
		return true
	case "0.0.0.0":
		address, err := netip.ParseAddr(other.plainHost())
		return err != nil || address.Is4()
	}
	return false
}

func (e Endpoint) plainHost() string {
	switch e.Host {
	case "*":
		return "0.0.0.0"
	case "localhost", "lo":
		return "127.0.0.1"
	}
	return e.Host
}
