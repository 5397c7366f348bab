package workerkit

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/zfleet/zfleet/workerkit/control"
	"golang.org/x/sys/unix"
)

// takeLifeline returns the pipe whose EOF means that the supervisor is gone, or nil when the environment names none. It takes the name out
// of the environment: a process that the worker starts has another file under that number.
func takeLifeline() (*os.File, error) {
	number := os.Getenv(control.EnvLifeline)
	if number == "" {
		return nil, nil
	}
	if err := os.Unsetenv(control.EnvLifeline); err != nil {
		return nil, err
	}
	fd, err := strconv.Atoi(number)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot watch the supervisor: %s=%q is not an open file descriptor", control.EnvLifeline, number)
	}
	return os.NewFile(uintptr(fd), "lifeline"), nil
}

// watchLifeline ends the process when the supervisor is gone.
func (p *process) watchLifeline(lifeline *os.File) {
	_, _ = io.Copy(io.Discard, lifeline) // an error, too, means that the supervisor cannot be watched any more
	p.endWithin(orphanGrace, "the supervisor is gone")
}
