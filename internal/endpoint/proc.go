package endpoint

import (
	"cmp"
	"iter"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// tcpListen is TCP_LISTEN in the kernel's include/net/tcp_states.h.
const tcpListen = 10

// proc is a view of /proc: which sockets there are, and which process has them open.
type proc struct{ fs procfs.FS }

func newProc() proc {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return proc{} // no /proc: nothing can be found, and nothing is
	}
	return proc{fs: fs}
}

// socket is one line of /proc/net/tcp or tcp6. IPv4 addresses in IPv6 are given as IPv4.
type socket struct {
	local, remote netip.AddrPort
	inode         uint64 // 0: no process has it any more
	listens       bool
}

// sockets is every TCP socket of this network namespace.
func (p proc) sockets() iter.Seq[socket] {
	return func(yield func(socket) bool) {
		for _, table := range []func() (procfs.NetTCP, error){p.fs.NetTCP, p.fs.NetTCP6} {
			lines, _ := table() // without IPv6 there is no tcp6
			for _, l := range lines {
				s := socket{ipPort(l.LocalAddr, l.LocalPort), ipPort(l.RemAddr, l.RemPort), l.Inode, l.St == tcpListen}
				if !yield(s) {
					return
				}
			}
		}
	}
}

func ipPort(ip net.IP, port uint64) netip.AddrPort {
	address, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(address.Unmap(), uint16(port))
}

// owners scans the descriptors of all processes once and says which process has each of the socket inodes. Where several have it, after a
// fork, it is the one with the lowest pid. Inodes of processes that may not be looked into are left out. This process comes last: a
// proxy has a descriptor for every client.
func (p proc) owners(inodes map[uint64]bool) map[uint64]int {
	found := make(map[uint64]int, len(inodes))
	processes, err := p.fs.AllProcs()
	if err != nil {
		return found
	}
	slices.SortFunc(processes, func(a, b procfs.Proc) int { return cmp.Or(compareSelf(a.PID, b.PID), cmp.Compare(a.PID, b.PID)) })
	for _, process := range processes {
		if len(found) == len(inodes) {
			break
		}
		targets, _ := process.FileDescriptorTargets() // another user's, or gone by now
		for _, target := range targets {
			inode, ok := socketInode(target)
			if _, known := found[inode]; ok && !known && inodes[inode] {
				found[inode] = process.PID
			}
		}
	}
	return found
}

// compareSelf puts this process behind all others.
func compareSelf(a, b int) int {
	switch os.Getpid() {
	case a:
		return 1
	case b:
		return -1
	}
	return 0
}

// socketInode reads socket:[123456].
func socketInode(target string) (uint64, bool) {
	number, ok := strings.CutPrefix(target, "socket:[")
	number, closed := strings.CutSuffix(number, "]")
	inode, err := strconv.ParseUint(number, 10, 64)
	return inode, ok && closed && err == nil
}

// commandOf is the name of a process, as ps prints it, or "".
func commandOf(pid int) string {
	process, err := newProc().fs.Proc(pid)
	if err != nil {
		return ""
	}
	name, err := process.Comm()
	if err != nil {
		return ""
	}
	return name
}
