package launch

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// A stray is a process that has left its worker's process group: a daemon, a session of its own. It is known by its environment, which it
// has from the worker: the name of the life, and which run of which supervisor that was. One that has no such environment any more
// can only be found by a control group.

const (
	straysBound = time.Second
	straysPoll  = 5 * time.Millisecond
)

// endStrays ends all processes whose environment has all of these variables, and those that they start meanwhile. False: some still live.
func endStrays(variables ...string) bool {
	for end := time.Now().Add(straysBound); ; time.Sleep(straysPoll) {
		killed, err := killStrays(variables)
		if err == nil && killed == 0 {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

func killStrays(variables []string) (killed int, err error) {
	processes, err := procfs.AllProcs()
	for _, p := range processes {
		if isStray(p.PID, variables) && killStray(p.PID, variables) {
			killed++
		}
	}
	return killed, err
}

// killStray looks again once it holds the process: its number may be another's by then.
func killStray(pid int, variables []string) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	return isStray(pid, variables) && !errors.Is(unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0), unix.ESRCH)
}

// isStray is false for the dead, who have no environment any more, and for those whom this user may not look at.
func isStray(pid int, variables []string) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || len(environ) == 0 || pid == os.Getpid() {
		return false
	}
	environ = append([]byte{0}, environ...)
	for _, v := range variables {
		if !bytes.Contains(environ, []byte("\x00"+v+"\x00")) {
			return false
		}
	}
	return true
}
