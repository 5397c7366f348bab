package endpoint

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// hostPattern is what an interface (eth0, br-lan, eth0.100) or a host name looks like.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$`)

// numericPattern is what can only be meant as an IPv4 address.
var numericPattern = regexp.MustCompile(`^[0-9.]+$`)

// parseTCP reads host:port. The port is what follows the last colon, as in libzmq's ip_resolver_t::resolve.
func parseTCP(s, address string) (Endpoint, error) {
	if strings.Contains(address, ";") {
		return Endpoint{}, fmt.Errorf("endpoint %q: a source address is for connecting only: write what follows the semicolon", s)
	}
	host, port, err := splitPort(s, address)
	if err != nil {
		return Endpoint{}, err
	}
	n, err := parsePort(s, port)
	if err != nil {
		return Endpoint{}, err
	}
	host, err = parseHost(s, host, port)
	if err != nil {
		return Endpoint{}, err
	}
	return Endpoint{Transport: TCP, Host: host, Port: n}, nil
}

func splitPort(s, address string) (host, port string, err error) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 || i < strings.LastIndexByte(address, ']') {
		if address == "" {
			address = "*"
		}
		return "", "", fmt.Errorf("endpoint %q has no port: write tcp://%s:PORT, or tcp://%s:* for any free one", s, address, address)
	}
	return address[:i], address[i+1:], nil
}

func parsePort(s, port string) (int, error) {
	if port == "*" {
		return 0, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("endpoint %q: %q is not a port: write a number from 1 to 65535, or * for any free one", s, port)
	}
	return int(n), nil
}

func parseHost(s, host, port string) (string, error) {
	bare, bracketed := strings.CutPrefix(host, "[")
	bare, closed := strings.CutSuffix(bare, "]")
	address, err := netip.ParseAddr(bare)
	switch {
	case host == "":
		return "", fmt.Errorf("endpoint %q has no host: write tcp://*:%s for all addresses of this machine", s, port)
	case host == "*":
		return host, nil
	case bracketed && closed && err == nil && address.Is6():
		return address.String(), nil
	case bracketed || closed:
		return "", fmt.Errorf("endpoint %q: %s is not an IPv6 address: write tcp://[::1]:%s", s, host, port)
	case err == nil && address.Is6():
		return "", fmt.Errorf("endpoint %q: an IPv6 address stands in brackets: write tcp://[%s]:%s", s, host, port)
	case err == nil:
		return address.String(), nil
	case numericPattern.MatchString(host) || !hostPattern.MatchString(host):
		return "", fmt.Errorf("endpoint %q: %q is not an address, an interface or a host name: write tcp://*:%s", s, host, port)
	}
	return host, nil
}
