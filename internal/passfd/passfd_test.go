package passfd

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair is two ends of a unix socket.
func pair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	end := func(fd int) *net.UnixConn {
		file := os.NewFile(uintptr(fd), "pair")
		defer func() { _ = file.Close() }()
		conn, err := net.FileConn(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		return conn.(*net.UnixConn)
	}
	return end(fds[0]), end(fds[1])
}

// More descriptors than fit one message come over in their order, and bytes before and behind them stay where they are.
func TestSendReceive(t *testing.T) {
	a, b := pair(t)
	const n = 600
	var own []int
	for i := range n {
		fd, err := unix.MemfdCreate("x", unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, fd)
		if _, err := unix.Pwrite(fd, []byte{byte(i), byte(i >> 8)}, 0); err != nil {
			t.Fatal(err)
		}
	}
	defer CloseAll(own)
	go func() {
		_, _ = a.Write([]byte("before"))
		if err := Send(a, own); err != nil {
			t.Error(err)
		}
		_, _ = a.Write([]byte("behind"))
	}()
	expect(t, b, "before")
	fds, err := Receive(b, n)
	if err != nil {
		t.Fatal(err)
	}
	defer CloseAll(fds)
	expect(t, b, "behind")
	for i, fd := range fds {
		var mark [2]byte
		if _, err := unix.Pread(fd, mark[:], 0); err != nil || int(mark[0])+int(mark[1])<<8 != i {
			t.Fatalf("descriptor %d is marked %v, %v", i, mark, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Fatalf("descriptor %d would be inherited", i)
		}
	}
}

func expect(t *testing.T, conn *net.UnixConn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := conn.Read(got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v", got, err)
	}
}

// What is cut short is an error, and nothing stays open.
func TestReceiveRefuses(t *testing.T) {
	for _, c := range []struct {
		send func(*net.UnixConn)
		want string
	}{
		{func(a *net.UnixConn) { _ = a.Close() }, "EOF"},
		{func(a *net.UnixConn) { _, _ = a.Write([]byte("x")) }, "without any"},
		{func(a *net.UnixConn) { _ = Send(a, []int{0}); _ = a.Close() }, "EOF"},
		{func(a *net.UnixConn) { _ = Send(a, []int{0, 0, 0}) }, "more than were said"},
	} {
		a, b := pair(t)
		before := open(t)
		go c.send(a)
		if fds, err := Receive(b, 2); err == nil || !strings.Contains(err.Error(), c.want) || fds != nil {
			t.Errorf("got %v, %v; want %s", fds, err, c.want)
		}
		_ = b.Close()
		if after := open(t); after > before {
			t.Errorf("%s: %d descriptors are open, before it were %d", c.want, after, before)
		}
	}
}

func open(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
