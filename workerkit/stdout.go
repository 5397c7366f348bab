package workerkit

import (
	"fmt"
	"os"

	"github.com/zfleet/zfleet/workerkit/control"
	"golang.org/x/sys/unix"
)

// Whether this process is a plugin is found out when the package is initialised, before any code of the author's can print.
var (
	isPlugin                = takeCookie()
	handshake, errHandshake = takeStdout()
)

// takeCookie says whether go-plugin's cookie is in the environment, and removes it: processes that the worker starts are no plugins.
func takeCookie() bool {
	key, value := control.Handshake.MagicCookieKey, control.Handshake.MagicCookieValue
	return os.Getenv(key) == value && os.Unsetenv(key) == nil
}

// takeStdout returns what a plugin's standard output was, for the handshake and nothing else, and makes standard output another name of
// standard error. Whatever prints then reaches the log, and cannot spoil the handshake or fill a pipe that nobody reads; C code too.
func takeStdout() (*os.File, error) {
	if !isPlugin {
		return nil, nil
	}
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("cannot set standard output aside: %w", err)
	}
	if err := unix.Dup3(2, 1, 0); err != nil {
		return nil, fmt.Errorf("cannot send standard output to standard error: %w", err)
	}
	return os.NewFile(uintptr(fd), "handshake"), nil
}
