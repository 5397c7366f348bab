package endpoint

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Peer is what the kernel says at once about an accepted connection. It is a value: unlike the descriptor, it can be handed to another
// goroutine and stays true when the connection ends.
type Peer struct {
	Local  netip.AddrPort // tcp: this end. IPv4 addresses in IPv6 are given as IPv4
	Remote netip.AddrPort // tcp: the other end
	Pid    int            // ipc: the process that connected; tcp: 0, see Pids
}

// PeerOf asks about an accepted connection. It does not wait for anything.
func PeerOf(fd int) (Peer, error) {
	remote, err := unix.Getpeername(fd)
	if err != nil {
		return Peer{}, err
	}
	if _, ok := remote.(*unix.SockaddrUnix); ok {
		pid, err := credentials(fd)
		return Peer{Pid: pid}, err
	}
	local, err := unix.Getsockname(fd)
	if err != nil {
		return Peer{}, err
	}
	return Peer{Local: addrPort(local), Remote: addrPort(remote)}, nil
}

// credentials is the process at the other end of a unix socket when it connected, or called listen: SO_PEERCRED in unix(7). A process
// that this one's pid namespace does not show has pid 0.
func credentials(fd int) (int, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(cred.Pid), nil
}

// addrPort is the zero AddrPort for anything but a TCP address. Zones are left out: /proc has none.
func addrPort(address unix.Sockaddr) netip.AddrPort {
	switch a := address.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// Pids is the process at the other end of each connection, 0 where it cannot be known: it is on another machine, in another container, of
// another user, or gone. It reads /proc once for all of them, which takes milliseconds. A worker's child may hold the connection
// instead of the worker: compare process groups, not only pids.
func Pids(peers []Peer) []int { return newProc().pids(peers) }

// ends is a connection as one of its two sockets sees it.
type ends struct{ local, remote netip.AddrPort }

func (p proc) pids(peers []Peer) []int {
	inodes := p.mirrored(peers)
	wanted := make(map[uint64]bool, len(inodes))
	for _, inode := range inodes {
		wanted[inode] = true
	}
	owners := p.owners(wanted)
	pids := make([]int, len(peers))
	for i, peer := range peers {
		pids[i] = peer.Pid
		if inode, ok := inodes[ends{peer.Remote, peer.Local}]; ok {
			pids[i] = owners[inode]
		}
	}
	return pids
}

// mirrored finds, for each tcp peer, the socket whose local end is our remote one. A peer on another machine has none here.
func (p proc) mirrored(peers []Peer) map[ends]uint64 {
	wanted := make(map[ends]bool)
	for _, peer := range peers {
		if peer.Remote.IsValid() {
			wanted[ends{peer.Remote, peer.Local}] = true
		}
	}
	inodes := make(map[ends]uint64, len(wanted))
	if len(wanted) == 0 {
		return inodes
	}
	for s := range p.sockets() {
		if e := (ends{s.local, s.remote}); s.inode != 0 && wanted[e] {
			inodes[e] = s.inode
		}
	}
	return inodes
}
