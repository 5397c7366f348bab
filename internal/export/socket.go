package export

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/zfleet/zfleet/internal/endpoint"
)

// Socket is the unit of the fleet's frontends: systemd binds them, clients can connect from then on, and the first one starts the fleet.
// The backends stay zfleet's: nobody is there to connect to them before it is.
func Socket(o Options) string {
	u := &unit{}
	u.line("# %s/%s.socket: made by zfleet export systemd --socket. Then:", o.folder(), o.Name())
	u.line("#   %s daemon-reload && %[1]s enable --now %s.socket", o.systemctl(), o.Name())
	u.line("[Unit]")
	u.line("Description=Frontends of zfleet fleet %s", o.File.Spec.Name)
	u.section("Socket")
	for _, svc := range o.File.Spec.Services {
		for _, text := range svc.Frontend {
			e, err := endpoint.Parse(text)
			if err != nil {
				continue // the file was read: they are good
			}
			if address, ok := listenStream(e); ok {
				u.line("ListenStream=%s", address)
			} else {
				u.why(text + " stays zfleet's: systemd cannot bind it")
			}
		}
	}
	u.set("FileDescriptorName="+o.Name(), "Backlog=4096")
	u.section("Install")
	u.set("WantedBy=sockets.target")
	return u.String()
}

// listenStream is an endpoint as systemd.socket(5) spells it. An interface, a host name, and a port or path that is still to be given,
// have no such spelling.
func listenStream(e endpoint.Endpoint) (address string, ok bool) {
	switch {
	case e.Transport == endpoint.IPC:
		return word(e.Path), e.Path != "*"
	case e.Port == 0:
		return "", false
	case e.Host == "*":
		return net.JoinHostPort("0.0.0.0", strconv.Itoa(e.Port)), true
	}
	_, err := netip.ParseAddr(e.Host)
	return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)), err == nil
}
