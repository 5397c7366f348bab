package endpoint

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestInUseSaysByWhom(t *testing.T) {
	name := filepath.Base(os.Args[0])
	name = name[:min(len(name), 15)] // TASK_COMM_LEN in proc_pid_comm(5)
	path := shortDir(t) + "/x.sock"
	tcp, address, _ := other(t, "listen", "tcp", "127.0.0.1:0")
	ipc, _, _ := other(t, "listen", "unix", path)
	abstract, _, _ := other(t, "listen", "unix", "@"+path)
	pids := map[string]int{
		"tcp://" + address:         tcp.Process.Pid,
		"tcp://*:" + port(address): tcp.Process.Pid,
		"ipc://" + path:            ipc.Process.Pid,
		"ipc://@" + path:           abstract.Process.Pid,
	}
	if hasIPv6(t) {
		tcp6, address6, _ := other(t, "listen", "tcp", "[::1]:0")
		pids["tcp://"+address6] = tcp6.Process.Pid
	}
	for text, pid := range pids {
		_, err := parse(t, text).Listen()
		var taken *InUse
		if !errors.As(err, &taken) || taken.Pid != pid || taken.Endpoint.String() != text {
			t.Errorf("Listen(%s): %v, want pid %d", text, err, pid)
			continue
		}
		what := map[string]string{TCP: "port", IPC: "path"}[taken.Endpoint.Transport]
		want := fmt.Sprintf("cannot listen on %s: the %s is taken by %s (pid %d)", text, what, name, pid)
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
		if want := fmt.Sprintf("stop it (kill %d), or choose another endpoint", pid); taken.Hint() != want {
			t.Errorf("got  %s\nwant %s", taken.Hint(), want)
		}
	}
}

func port(address string) string {
	return strconv.Itoa(int(netip.MustParseAddrPort(address).Port()))
}

// A connection that goes out from the port takes it as well. Another program may have a connection from the same port, to somewhere else,
// and be named instead: not each time.
func TestInUseByAConnection(t *testing.T) {
	to := listen(t, "tcp://127.0.0.1:*")
	for range 5 {
		cmd, from, _ := other(t, "connect", "tcp", to.Bound().Host+":"+strconv.Itoa(to.Bound().Port))
		_, err := parse(t, "tcp://"+from).Listen()
		var taken *InUse
		if errors.As(err, &taken) && taken.Pid == cmd.Process.Pid {
			return
		}
		t.Logf("got %v, want pid %d", err, cmd.Process.Pid)
	}
	t.Fail()
}

func TestInUseByThisProcess(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:*")
	_, err := l.Bound().Listen()
	var taken *InUse
	if !errors.As(err, &taken) || taken.Pid != os.Getpid() {
		t.Errorf("got %v", err)
	}
}

// A socket that was handed on belongs to two processes: the other one is named.
func TestInUseByAnotherRatherThanThisProcess(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:*")
	cmd, _, _ := other(t, "inherited", "fd", l.Bound().String(), l.File())
	_, err := l.Bound().Listen()
	var taken *InUse
	if !errors.As(err, &taken) || taken.Pid != cmd.Process.Pid {
		t.Errorf("got %v, want pid %d", err, cmd.Process.Pid)
	}
}

func TestInUseByWhoCannotBeSeen(t *testing.T) {
	for text, want := range map[string][2]string{
		"tcp://*:5559": {"cannot listen on tcp://*:5559: the port is taken by a process of another user",
			"find it with: sudo ss -ltnp 'sport = :5559'"},
		"ipc:///x": {"cannot listen on ipc:///x: the path is taken by a process of another user",
			"find it with: sudo ss -lxp, or choose another path"},
	} {
		e := &InUse{Endpoint: parse(t, text)}
		if e.Error() != want[0] || e.Hint() != want[1] {
			t.Errorf("got %s; %s", e, e.Hint())
		}
	}
}

func TestOverlap(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"0.0.0.0", "127.0.0.1", true},
		{"::", "127.0.0.1", true},
		{"::", "::1", true},
		{"0.0.0.0", "::1", false},
		{"0.0.0.0", "::", true},
		{"fe80::1%lo", "fe80::1", true},
	} {
		a, b := netip.MustParseAddr(test.a), netip.MustParseAddr(test.b)
		if overlap(a, b) != test.want || overlap(b, a) != test.want {
			t.Errorf("%s and %s: %t and %t, want %t", a, b, overlap(a, b), overlap(b, a), test.want)
		}
	}
}

func TestPreferredAddress(t *testing.T) {
	for _, test := range []struct {
		ips  []string
		want string
	}{
		{[]string{"fe80::1", "fd00::2", "192.0.2.2"}, "192.0.2.2"},
		{[]string{"fe80::1", "fd00::2", "fd00::3"}, "fd00::2"},
		{[]string{"fe80::1", "fe80::2"}, "fe80::1%eth7"},
	} {
		var ips []net.IP
		for _, ip := range test.ips {
			ips = append(ips, net.ParseIP(ip))
		}
		if got := preferred(ips, "eth7"); got.String() != test.want {
			t.Errorf("preferred(%v) = %s, want %s", test.ips, got, test.want)
		}
	}
}
