package launch

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// exitOf is how a process ended, with the reason in words.
func exitOf(state *os.ProcessState) fleet.Exit {
	status, ok := waitStatus(state)
	switch {
	case !ok: // somebody else has reaped it
		return fleet.Exit{Code: -1, Reason: "ended without a status"}
	case status.Signaled():
		name := signalName(status.Signal())
		return fleet.Exit{Code: -1, Signal: name, Reason: "killed by " + name + dumped(status)}
	default:
		return fleet.Exit{Code: status.ExitStatus(), Reason: fmt.Sprintf("exited with status %d", status.ExitStatus())}
	}
}

func waitStatus(state *os.ProcessState) (status syscall.WaitStatus, ok bool) {
	if state != nil {
		status, ok = state.Sys().(syscall.WaitStatus)
	}
	return status, ok
}

func signalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(sig)) // real-time signals have no name
}

func dumped(status syscall.WaitStatus) string {
	if status.CoreDump() {
		return " (core dumped)"
	}
	return ""
}
