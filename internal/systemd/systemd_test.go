package systemd

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/endpoint"
)

// variables are all that a manager sets, and what another process must not find any more.
var variables = []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES"}

func setenv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range variables {
		t.Setenv(name, "") // restores it when the test is over
		value, has := env[name]
		if !has {
			_ = os.Unsetenv(name)
			continue
		}
		t.Setenv(name, value)
	}
}

func TestEnvironment(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	tests := []struct {
		env  map[string]string
		want Manager
	}{
		{map[string]string{}, Manager{}},
		{
			map[string]string{
				"NOTIFY_SOCKET": "@/run/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": me,
				"LISTEN_FDS": "3", "LISTEN_PID": me, "LISTEN_PIDFDID": "7", "LISTEN_FDNAMES": "front.socket:back",
			},
			Manager{Notifier{"@/run/notify"}, 30 * time.Second, []endpoint.Passed{{FD: 3, Name: "front.socket"}, {FD: 4, Name: "back"}, {FD: 5}}},
		},
		{map[string]string{"WATCHDOG_USEC": "1500"}, Manager{Watchdog: 1500 * time.Microsecond}},
		{map[string]string{"WATCHDOG_USEC": "1500", "WATCHDOG_PID": "1"}, Manager{}}, // another process's
		{map[string]string{"LISTEN_FDS": "2", "LISTEN_PID": "1"}, Manager{}},
		{map[string]string{"LISTEN_FDS": "2"}, Manager{}},
		{map[string]string{"LISTEN_FDS": "0", "LISTEN_PID": me}, Manager{}},
	}
	for _, test := range tests {
		setenv(t, test.env)
		got, err := FromEnvironment()
		if err != nil || got.Notifier != test.want.Notifier || got.Watchdog != test.want.Watchdog || !slices.Equal(got.Sockets, test.want.Sockets) {
			t.Errorf("%v: got %+v, %v, want %+v", test.env, got, err, test.want)
		}
		for _, name := range variables {
			if value, has := os.LookupEnv(name); has {
				t.Errorf("%v: %s=%s is left for workers", test.env, name, value)
			}
		}
	}
}

func TestEnvironmentThatCannotBeRead(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	for want, env := range map[string]map[string]string{
		`cannot read LISTEN_FDS: "x" is not a number of sockets`:                           {"LISTEN_FDS": "x", "LISTEN_PID": me},
		`cannot read LISTEN_FDS: "-1" is not a number of sockets`:                          {"LISTEN_FDS": "-1", "LISTEN_PID": me},
		`cannot read LISTEN_FDS: "1025" is not a number of sockets`:                        {"LISTEN_FDS": "1025", "LISTEN_PID": me},
		`cannot read WATCHDOG_USEC: "0" is not a number of microseconds`:                   {"WATCHDOG_USEC": "0"},
		`cannot read WATCHDOG_USEC: "9223372036854775807" is not a number of microseconds`: {"WATCHDOG_USEC": "9223372036854775807"},
		`NOTIFY_SOCKET is "vsock:2:1234", neither a path nor an abstract unix socket`:      {"NOTIFY_SOCKET": "vsock:2:1234"},
		`NOTIFY_SOCKET is "run/notify", neither a path nor an abstract unix socket`:        {"NOTIFY_SOCKET": "run/notify"},
	} {
		setenv(t, env)
		if m, err := FromEnvironment(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %+v, %v", env, m, err)
		}
		if _, has := os.LookupEnv("LISTEN_PID"); has {
			t.Errorf("%v: LISTEN_PID is left", env)
		}
	}
}

// listen is a manager's end, at a path or at an abstract name.
func listen(t *testing.T, address string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestSend(t *testing.T) {
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, address := range []string{filepath.Join(dir, "notify"), fmt.Sprintf("@zfleet-test-%s", filepath.Base(dir))} {
		manager := listen(t, address)
		n, err := notifier(address)
		if err != nil || !n.IsHeard() {
			t.Fatalf("%s: %+v, %v", address, n, err)
		}
		if err := n.Send(Ready, Status("hello 3/3 ready\nMAINPID=1"), Extend(1500*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1000)
		size, err := manager.Read(got)
		want := "READY=1\nSTATUS=hello 3/3 ready MAINPID=1\nEXTEND_TIMEOUT_USEC=1500000"
		if err != nil || string(got[:size]) != want {
			t.Errorf("%s: got %q, %v", address, got[:size], err)
		}
	}
}

func TestSendToNobody(t *testing.T) {
	if err := (Notifier{}).Send(Ready); err != nil {
		t.Errorf("without a manager: %v", err)
	}
	err := Notifier{"/nowhere/notify"}.Send(Ready)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot tell the service manager at /nowhere/notify: ") {
		t.Errorf("to one that is gone: %v", err)
	}
}

func TestReloadingSaysSinceWhen(t *testing.T) {
	var first, second int64
	for _, at := range []*int64{&first, &second} {
		if n, err := fmt.Sscanf(Reloading(), "RELOADING=1\nMONOTONIC_USEC=%d", at); n != 1 || err != nil {
			t.Fatalf("%q: %v", Reloading(), err)
		}
	}
	if first <= 0 || second < first || second-first > time.Minute.Microseconds() {
		t.Errorf("since %d, then %d", first, second)
	}
}

func FuzzStatus(f *testing.F) {
	f.Add("hello 3/3 ready")
	f.Add("a\nREADY=1\r\x00\xff")
	f.Add(strings.Repeat("ä", 600))
	f.Fuzz(func(t *testing.T, text string) {
		got := Status(text)
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' }) || len(got) > maxStatus+20 {
			t.Errorf("%q", got)
		}
	})
}
