package endpoint

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// pidAt is the process at the other end of an accepted connection.
func pidAt(t *testing.T, fd int) int {
	t.Helper()
	peer, err := PeerOf(fd)
	if err != nil {
		t.Fatal(err)
	}
	return Pids([]Peer{peer})[0]
}

func TestPidOfAnotherProcess(t *testing.T) {
	tests := []struct{ listen, host string }{
		{"tcp://127.0.0.1:*", "127.0.0.1"},
		{"ipc://*", ""},
	}
	if hasIPv6(t) {
		tests = append(tests, []struct{ listen, host string }{
			{"tcp://[::1]:*", "::1"},
			{"tcp://[::]:*", "127.0.0.1"}, // an IPv6 socket here, an IPv4 one there
		}...)
	}
	for _, test := range tests {
		t.Run(test.listen, func(t *testing.T) {
			l := listen(t, test.listen)
			network, address := "unix", l.Bound().Path
			if test.host != "" {
				network, address = "tcp", net.JoinHostPort(test.host, strconv.Itoa(l.Bound().Port))
			}
			cmd, _, _ := other(t, "connect", network, address)
			fd := accept(t, l)
			defer func() { _ = unix.Close(fd) }()
			if pid := pidAt(t, fd); pid != cmd.Process.Pid {
				t.Errorf("pid %d, want %d", pid, cmd.Process.Pid)
			}
		})
	}
}

func TestPidOfThisProcess(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:*")
	conn := dial(t, l.Bound())
	defer func() { _ = conn.Close() }()
	fd := accept(t, l)
	defer func() { _ = unix.Close(fd) }()
	if pid := pidAt(t, fd); pid != os.Getpid() {
		t.Errorf("pid %d, want %d", pid, os.Getpid())
	}
}

// An IPv6 socket that connects to an IPv4 address stands in the IPv6 table.
func TestPidOfMappedAddress(t *testing.T) {
	if !hasIPv6(t) {
		return
	}
	l := listen(t, "tcp://127.0.0.1:*")
	conn, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(conn) }()
	mapped := netip.MustParseAddr("::ffff:127.0.0.1").As16()
	if err := unix.Connect(conn, &unix.SockaddrInet6{Port: l.Bound().Port, Addr: mapped}); err != nil {
		t.Fatal(err)
	}
	fd := accept(t, l)
	defer func() { _ = unix.Close(fd) }()
	if pid := pidAt(t, fd); pid != os.Getpid() {
		t.Errorf("pid %d, want %d", pid, os.Getpid())
	}
}

func TestPeerOfNoConnection(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:*")
	for _, fd := range []int{l.FD(), 1 << 20} {
		if peer, err := PeerOf(fd); err == nil {
			t.Errorf("PeerOf(%d) = %+v", fd, peer)
		}
	}
}

// Many at a time, of different kinds, some of which cannot be known: every answer is in its place.
func TestPids(t *testing.T) {
	tcp, ipc := listen(t, "tcp://127.0.0.1:*"), listen(t, "ipc://*")
	address := "127.0.0.1:" + strconv.Itoa(tcp.Bound().Port)
	var peers []Peer
	var want []int
	add := func(peer Peer, pid int) { peers, want = append(peers, peer), append(want, pid) }
	for range 4 {
		a, _, _ := other(t, "connect", "tcp", address)
		add(peerOf(t, accept(t, tcp)), a.Process.Pid)
		add(Peer{Local: netip.MustParseAddrPort(address), Remote: netip.MustParseAddrPort("203.0.113.7:40000")}, 0)
		b, _, _ := other(t, "connect", "unix", ipc.Bound().Path)
		add(peerOf(t, accept(t, ipc)), b.Process.Pid)
	}
	gone, _, stop := other(t, "connect", "tcp", address)
	add(peerOf(t, accept(t, tcp)), 0)
	stop()
	for i, pid := range Pids(peers) {
		if pid != want[i] {
			t.Errorf("peer %d %+v: pid %d, want %d (gone: %d)", i, peers[i], pid, want[i], gone.Process.Pid)
		}
	}
	if got := Pids(nil); len(got) != 0 {
		t.Errorf("Pids(nil) = %v", got)
	}
}

func peerOf(t *testing.T, fd int) Peer {
	t.Helper()
	t.Cleanup(func() { _ = unix.Close(fd) })
	peer, err := PeerOf(fd)
	if err != nil {
		t.Fatal(err)
	}
	return peer
}

// One look-up of many lanes on this machine as it is.
func BenchmarkPids(b *testing.B) {
	l, err := Endpoint{Transport: TCP, Host: "127.0.0.1"}.Listen()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var peers []Peer
	for range 200 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(l.Bound().Port))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		local, remote := conn.LocalAddr().(*net.TCPAddr).AddrPort(), conn.RemoteAddr().(*net.TCPAddr).AddrPort()
		peers = append(peers, Peer{Local: remote, Remote: local})
	}
	for b.Loop() {
		if Pids(peers)[0] != os.Getpid() {
			b.Fatal("not found")
		}
	}
}
