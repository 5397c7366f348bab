package endpoint

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
)

// Whatever is listened on, what Connect says can be dialled, and the connection can be accepted.
func TestListenAndConnect(t *testing.T) {
	dir := shortDir(t)
	tests := []struct{ text, connect string }{
		{"tcp://*:*", "tcp://127.0.0.1:PORT"},
		{"tcp://0.0.0.0:*", "tcp://127.0.0.1:PORT"},
		{"tcp://127.0.0.1:0", "tcp://127.0.0.1:PORT"},
		{"tcp://localhost:*", "tcp://localhost:PORT"},
		{"tcp://lo:*", "tcp://127.0.0.1:PORT"},
		{"ipc://" + dir + "/x.sock", "ipc://" + dir + "/x.sock"},
		{"ipc://@" + filepath.Base(dir), "ipc://@" + filepath.Base(dir)},
	}
	if hasIPv6(t) {
		tests = append(tests, []struct{ text, connect string }{
			{"tcp://[::1]:*", "tcp://[::1]:PORT"},
			{"tcp://[::]:*", "tcp://[::1]:PORT"},
		}...)
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			l := listen(t, test.text)
			want := strings.Replace(test.connect, "PORT", strconv.Itoa(l.Bound().Port), 1)
			if got := l.Bound().Connect(); got.String() != want {
				t.Fatalf("bound %s, to connect: %s, want %s", l.Bound(), got, want)
			}
			dialAndAccept(t, l, l.Bound().Connect())
		})
	}
}

// tcp://[::] takes IPv4 along, as libzmq's does with ZMQ_IPV6.
func TestIPv6WildcardIsDualStack(t *testing.T) {
	if !hasIPv6(t) {
		return
	}
	l := listen(t, "tcp://[::]:*")
	dialAndAccept(t, l, Endpoint{Transport: TCP, Host: "127.0.0.1", Port: l.Bound().Port})
}

func dialAndAccept(t *testing.T, l *Listener, to Endpoint) {
	t.Helper()
	conn := dial(t, to)
	defer func() { _ = conn.Close() }()
	fd := accept(t, l)
	if err := unix.Close(fd); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, to Endpoint) net.Conn {
	t.Helper()
	network, address := "unix", to.Path
	if to.Transport == TCP {
		network, address = "tcp", net.JoinHostPort(to.Host, strconv.Itoa(to.Port))
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// accept polls, as the listener does not block.
func accept(t *testing.T, l *Listener) int {
	t.Helper()
	fd := -1
	await.Until(t, "a connection to accept", func() (ok bool) {
		var err error
		fd, _, err = unix.Accept4(l.FD(), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		return err == nil
	})
	return fd
}

func TestListenerSocketOptions(t *testing.T) {
	for _, text := range []string{"tcp://127.0.0.1:*", "ipc://*"} {
		l := listen(t, text)
		status, err := unix.FcntlInt(uintptr(l.FD()), unix.F_GETFL, 0)
		if err != nil || status&unix.O_NONBLOCK == 0 {
			t.Errorf("%s: blocks (%x, %v)", text, status, err)
		}
		flags, err := unix.FcntlInt(uintptr(l.FD()), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: would be inherited by accident (%x, %v)", text, flags, err)
		}
		if got := int(l.File().Fd()); got != l.FD() {
			t.Errorf("%s: File has descriptor %d, FD is %d", text, got, l.FD())
		}
		if status, _ := unix.FcntlInt(uintptr(l.FD()), unix.F_GETFL, 0); status&unix.O_NONBLOCK == 0 {
			t.Errorf("%s: File().Fd() made it block", text)
		}
	}
}

// A port is free again at once after its listener and connections are gone: SO_REUSEADDR.
func TestListenAgainAtOnce(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:*")
	conn := dial(t, l.Bound())
	if err := unix.Close(accept(t, l)); err != nil { // this end closes first and is left in TIME_WAIT
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	listen(t, l.Bound().String())
}

func TestIPCFileLives(t *testing.T) {
	path := shortDir(t) + "/x.sock"
	l := listen(t, "ipc://"+path)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

func TestIPCWildcardRemovesItsFolder(t *testing.T) {
	l := listen(t, "ipc://*")
	path := l.Bound().Path
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

// A listener that ended without Close leaves its file behind; the next one takes its place.
func TestStaleIPCFileIsReplaced(t *testing.T) {
	path := shortDir(t) + "/x.sock"
	_, _, stop := other(t, "connect", "unix", abandoned(t, path))
	stop()
	l := listen(t, "ipc://"+path)
	dialAndAccept(t, l, l.Bound())
}

// abandoned makes a stale socket file at path. It returns the path of another socket, which is listened on.
func abandoned(t *testing.T, path string) string {
	t.Helper()
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	return listen(t, "ipc://*").Bound().Path
}

// A predecessor that closes late must not remove its successor's file.
func TestCloseLeavesASuccessorsFile(t *testing.T) {
	path := shortDir(t) + "/x.sock"
	first := listen(t, "ipc://"+path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second := listen(t, "ipc://"+path)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	dialAndAccept(t, second, second.Bound())
}

func TestListenExplains(t *testing.T) {
	dir := shortDir(t)
	file := dir + "/file"
	nowhere := strings.Repeat("x", 64) // longer than a name in the DNS may be: nothing is asked for
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"ipc://" + dir + "/none/x": "cannot listen on ipc://" + dir + "/none/x: " +
			"there is no folder " + dir + "/none: make it, or choose another path",
		"ipc://" + file: "cannot listen on ipc://" + file +
			": there is a file at that path that is no socket: move it away, or choose another path",
		"tcp://203.0.113.7:5559": "cannot listen on tcp://203.0.113.7:5559: " +
			"this machine has no such address: write tcp://*:5559 for all it has",
		"tcp://" + nowhere + ":5559": "cannot listen on tcp://" + nowhere + ":5559: " +
			"there is no interface and no host of the name " + nowhere,
	} {
		if l, err := parse(t, text).Listen(); err == nil || err.Error() != want {
			t.Errorf("Listen(%s) = %v, %v\nwant %s", text, l, err, want)
		}
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "precious" {
		t.Errorf("the file that was in the way: %q, %v", content, err)
	}
}

func TestExplainsRefusal(t *testing.T) {
	for text, want := range map[string]string{
		"tcp://*:80":     "cannot listen on tcp://*:80: permission denied: ports below 1024 need root or CAP_NET_BIND_SERVICE",
		"ipc:///run/a/x": "cannot listen on ipc:///run/a/x: permission denied: the folder /run/a must be writable",
	} {
		if got := explain(parse(t, text), unix.EACCES).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// The supervisor binds, the proxy inherits: the child process serves the same port, and its Close leaves the file to the maker.
func TestFromFD(t *testing.T) {
	dir := shortDir(t)
	for _, text := range []string{"tcp://127.0.0.1:*", "ipc://" + dir + "/x", "ipc://@" + filepath.Base(dir)} {
		t.Run(text, func(t *testing.T) {
			l := listen(t, text)
			_, bound, stop := other(t, "inherited", "fd", text, l.File())
			if bound != l.Bound().String() {
				t.Errorf("inherited as %s, bound as %s", bound, l.Bound())
			}
			stop()
			dialAndAccept(t, l, l.Bound().Connect())
		})
	}
}

func TestFromFDRefuses(t *testing.T) {
	tcp, ipc := listen(t, "tcp://127.0.0.1:*"), listen(t, "ipc://*")
	conn, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(conn) }()
	for _, test := range []struct {
		e    Endpoint
		fd   int
		want string
	}{
		{tcp.Bound(), conn, "the socket does not listen"},
		{tcp.Bound(), ipc.FD(), "the socket is not tcp"},
		{ipc.Bound(), tcp.FD(), "the socket is not ipc"},
		{tcp.Bound(), 1 << 20, "bad file descriptor"},
	} {
		want := "cannot listen on " + test.e.String() + ": inherited descriptor " + strconv.Itoa(test.fd) + ": " + test.want
		if l, err := FromFD(test.e, test.fd); err == nil || err.Error() != want {
			t.Errorf("FromFD = %v, %v\nwant %s", l, err, want)
		}
	}
}

// An inherited listener's File and Close work without Listen's.
func TestFromFDOwnsTheDescriptor(t *testing.T) {
	for _, useFile := range []bool{false, true} {
		maker := listen(t, "tcp://127.0.0.1:*")
		fd, err := unix.Dup(maker.FD())
		if err != nil {
			t.Fatal(err)
		}
		l, err := FromFD(maker.Bound(), fd)
		if err != nil {
			t.Fatal(err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d would be inherited by accident (%x, %v)", fd, flags, err)
		}
		if useFile && int(l.File().Fd()) != fd {
			t.Errorf("File has descriptor %d, want %d", l.File().Fd(), fd)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
			t.Errorf("descriptor %d after Close: %v", fd, err)
		}
		dialAndAccept(t, maker, maker.Bound())
	}
}
