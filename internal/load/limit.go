package load

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// perClient is how many descriptors a client takes: its connection, and the one by which libzmq's threads wake each other.
const perClient = 2

// besides is what the process has open otherwise.
const besides = 64

// TooFewFiles is a limit of open files that does not allow for so many clients.
type TooFewFiles struct {
	Clients       int
	Needed, Limit uint64
}

func (e *TooFewFiles) Error() string {
	return fmt.Sprintf("cannot make %d clients: they need %d open files, and %d are allowed", e.Clients, e.Needed, e.Limit)
}

// Hint says how to mend it.
func (e *TooFewFiles) Hint() string {
	return fmt.Sprintf("prlimit --pid $$ --nofile=%d, as root; or fewer --clients", e.Needed)
}

// roomFor raises the soft limit of open files as far as so many clients need.
func roomFor(clients int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	needed := uint64(clients)*perClient + besides
	if needed <= limit.Cur {
		return nil
	}
	if needed > limit.Max {
		return &TooFewFiles{clients, needed, limit.Max}
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("cannot raise the limit of open files to %d: %w", limit.Max, err)
	}
	return nil
}
