package launch

import (
	"context"
	"regexp"

	"golang.org/x/sys/unix"
)

// abortedError is why a process has to end that does not do what it should.
type abortedError struct{ reason string }

func (e abortedError) Error() string { return "killed: " + e.reason }

var registerLine = regexp.MustCompile(`^(r[a-z0-9]{1,2}|rip|rsp|rbp|rflags|[cfg]s|lr|sp|pc|fault) +0x[0-9a-f]+$`)

// IsRegister says whether a line of a stack dump is one that Go's runtime prints behind the goroutines, on amd64 and arm64: it says nothing
// about the program, and would fill the last lines.
func IsRegister(line string) bool { return registerLine.MatchString(line) }

// dump asks the whole group for a stack dump and gives it time to land in the captured output. Which processes can, and by which signal, is
// theirs: Go's runtime prints all goroutines and ends, Python's faulthandler all threads, Java goes on, and most just end. It returns the
// signal's name, "" if there is none to send.
func (li *life) dump() string {
	name := li.svc.Health.DumpSignal
	sig := unix.SignalNum(name)
	if sig == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(li.killed, li.l.bounds.dump)
	defer cancel()
	li.out.awaitDump()
	li.child.ask(sig)
	li.awaitGroup(ctx)
	return name
}
