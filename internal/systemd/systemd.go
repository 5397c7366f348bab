// Package systemd is what systemd, or any service manager that speaks its protocols, and one of its services tell each other: where
// readiness is announced and how often life is (sd_notify(3), sd_watchdog_enabled(3)), and which sockets are handed over
// (sd_listen_fds(3)). [FromEnvironment] reads all of it; [Notifier] is how to answer. When a fleet is ready is left to package daemon,
// what becomes of the sockets to package endpoint.
package systemd

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/endpoint"
)

// Manager is what the service manager that started this process wants and gives. The zero Manager is none.
type Manager struct {
	Notifier Notifier
	Watchdog time.Duration     // it ends a process that is silent for longer; 0: it does not
	Sockets  []endpoint.Passed // in the order of the socket unit
}

// firstSocket is SD_LISTEN_FDS_START.
const firstSocket = 3

// maxSockets keeps a slip in LISTEN_FDS from being taken for descriptors.
const maxSockets = 1024

// FromEnvironment reads the variables and removes them, so that no process that this one starts takes them for its own. What is meant for
// another process, by its pid, is removed and not heeded.
func FromEnvironment() (m Manager, err error) {
	defer func() {
		for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES"} {
			_ = os.Unsetenv(name)
		}
	}()
	if m.Notifier, err = notifier(os.Getenv("NOTIFY_SOCKET")); err != nil {
		return Manager{}, err
	}
	if m.Watchdog, err = watchdog(os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")); err != nil {
		return Manager{}, err
	}
	m.Sockets, err = sockets(os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDNAMES"))
	if err != nil {
		return Manager{}, err
	}
	return m, nil
}

func watchdog(usec, pid string) (time.Duration, error) {
	if usec == "" || pid != "" && !isMine(pid) {
		return 0, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(time.Duration(1<<63-1)/time.Microsecond) {
		return 0, fmt.Errorf("cannot read WATCHDOG_USEC: %q is not a number of microseconds", usec)
	}
	return time.Duration(n) * time.Microsecond, nil
}

func sockets(fds, pid, names string) (passed []endpoint.Passed, err error) {
	if fds == "" || !isMine(pid) {
		return nil, nil
	}
	n, err := strconv.Atoi(fds)
	if err != nil || n < 0 || n > maxSockets {
		return nil, fmt.Errorf("cannot read LISTEN_FDS: %q is not a number of sockets", fds)
	}
	named := strings.Split(names, ":")
	for i := range n {
		p := endpoint.Passed{FD: firstSocket + i}
		if i < len(named) {
			p.Name = named[i]
		}
		passed = append(passed, p)
	}
	return passed, nil
}

func isMine(pid string) bool { return pid == strconv.Itoa(os.Getpid()) }
