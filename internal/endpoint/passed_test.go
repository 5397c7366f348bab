package endpoint

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// passed is a socket that somebody else bound: a copy of its descriptor, as exec would leave it.
func passed(t *testing.T, name, text string) (Passed, Endpoint) {
	t.Helper()
	l := listen(t, text)
	fd, err := unix.FcntlInt(uintptr(l.FD()), unix.F_DUPFD, 100)
	if err != nil {
		t.Fatal(err)
	}
	return Passed{FD: fd, Name: name}, l.Bound()
}

// Each endpoint that has a socket takes it, whatever the order; the others bind their own.
func TestPassedSocketsAreTaken(t *testing.T) {
	dir := shortDir(t)
	first, at := passed(t, "a", "tcp://127.0.0.1:*")
	second, file := passed(t, "b", "ipc://"+dir+"/x.sock")
	third, abstract := passed(t, "c", "ipc://@"+dir)
	fourth, any4 := passed(t, "d", "tcp://0.0.0.0:*")
	sockets := PassedSockets{first, second, third, fourth}
	for _, c := range []struct {
		text string
		fd   int // 0: its own
	}{
		{fmt.Sprintf("tcp://*:%d", any4.Port), fourth.FD},
		{"ipc://" + dir + "/./x.sock", second.FD},
		{"tcp://127.0.0.1:*", 0},
		{"ipc://" + dir + "/y.sock", 0},
		{"ipc://*", 0},
		{fmt.Sprintf("tcp://localhost:%d", at.Port), first.FD},
		{abstract.String(), third.FD},
	} {
		l, err := sockets.Listen(parse(t, c.text))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		if own := c.fd == 0; own == (l.FD() == c.fd) || !own && l.FD() != c.fd {
			t.Errorf("%s has descriptor %d, want %d", c.text, l.FD(), c.fd)
		}
		dialAndAccept(t, l, l.Bound().Connect())
	}
	if err := sockets.AllTaken(nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(file.Path); err != nil {
		t.Errorf("a passed socket's file is its maker's: %v", err)
	}
}

// A socket unit's ListenStream=5559 is [::]:5559, which takes IPv4 along and so is what tcp://*:5559 asks for. One for IPv6 alone is not.
func TestPassedDualStackIsAnyAddress(t *testing.T) {
	if !hasIPv6(t) {
		return
	}
	dual, at := passed(t, "", "tcp://[::]:*")
	defer func() { _ = unix.Close(dual.FD) }()
	any4 := Endpoint{Transport: TCP, Host: "*", Port: at.Port}
	if !dual.isAt(any4) || !dual.isAt(at) {
		t.Error("a socket for both is not taken")
	}
	if dual.isAt(Endpoint{Transport: TCP, Host: "::1", Port: at.Port}) || dual.isAt(Endpoint{Transport: TCP, Host: "127.0.0.1", Port: at.Port}) {
		t.Error("an endpoint for one address took a socket for all")
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet6{}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if (Passed{FD: fd}).isAt(Endpoint{Transport: TCP, Host: "*", Port: int(addrPort(name).Port())}) {
		t.Error("a socket for IPv6 alone was taken for tcp://*")
	}
}

func TestPassedSocketsThatNobodyTook(t *testing.T) {
	p, at := passed(t, "hello.socket", "tcp://127.0.0.1:*")
	defer func() { _ = unix.Close(p.FD) }()
	sockets := PassedSockets{p, {FD: 1 << 20}}
	err := sockets.AllTaken([]string{"tcp://*:5559", "tcp://*:5560"})
	want := fmt.Sprintf("cannot use the passed socket hello.socket (tcp://127.0.0.1:%d): no endpoint of the fleet is bound there, "+
		"they are tcp://*:5559, tcp://*:5560: make the socket unit and the fleet file name the same address\n"+
		"cannot use the passed socket 1048576 (bad file descriptor): ", at.Port)
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestPassedSocketOfAnotherKind(t *testing.T) {
	path := shortDir(t) + "/x"
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	sockets := PassedSockets{{FD: fd}}
	if l, err := sockets.Listen(parse(t, "ipc://"+path)); err == nil || !strings.Contains(err.Error(), "the socket is no stream socket") {
		t.Errorf("got %v, %v", l, err)
	}
}
