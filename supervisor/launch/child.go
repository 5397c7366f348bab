package launch

import (
	"context"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/cgroup"
)

// child is a process that was started, the leader of its own process group. It is for one goroutine, the life's.
type child struct {
	pid   int
	cmd   *exec.Cmd
	out   *output
	l     *Launcher
	group *cgroup.Group   // nil: it has none of its own
	alive context.Context // ends when the process has. Until reap it stays a zombie, so its number stays its own
}

// fate is what becomes of a process whose supervisor is killed.
type fate bool

const (
	endsWithSupervisor fate = false
	outlives           fate = true // it finds out, and ends by itself when it is time
)

// spawn starts a command whose standard output and error go to out, one line at a time, and tells the guard.
func (l *Launcher) spawn(cmd *exec.Cmd, group *cgroup.Group, f fate, out *output, stdout, stderr *lines) (*child, error) {
	ends, err := out.pipes(cmd, stdout, stderr)
	if err != nil {
		return nil, err
	}
	last, guard := unix.SIGTERM, l.keeper.add
	if f == outlives {
		last, guard = 0, l.keeper.proxy
	}
	err = l.spawner.start(cmd, group, last)
	for _, end := range ends {
		_ = end.Close()
	}
	if err != nil {
		out.finish(0)
		return nil, err
	}
	alive, died := context.WithCancel(context.Background())
	c := &child{pid: cmd.Process.Pid, cmd: cmd, out: out, l: l, group: group, alive: alive}
	guard(c.pid)
	go c.awaitDeath(died)
	return c, nil
}

// awaitDeath waits for the process to end and leaves it to reap. It does not wait for its output: a grandchild may hold that open.
func (c *child) awaitDeath(died func()) {
	defer died()
	awaitEnd(c.pid)
}

func (c *child) isDead() bool { return c.alive.Err() != nil }

// signal signals the whole group, or the process alone if it has left its group. It must not be called after reap.
func (c *child) signal(sig unix.Signal) {
	if unix.Kill(-c.pid, sig) == unix.ESRCH {
		_ = unix.Kill(c.pid, sig) // ESRCH: it ended; EPERM: it has become another user's, and is left to itself
	}
}

// ask sends the group a signal that it may answer. SIGCONT lets a stopped process hear it.
func (c *child) ask(sig unix.Signal) {
	c.signal(sig)
	c.signal(unix.SIGCONT)
}

// reap ends what is left of a dead process's group, forgets it, and says how it ended. The order matters: as long as it is a zombie no
// other process can get its number, so no signal, neither ours nor the guard's, can reach a stranger.
func (c *child) reap() *os.ProcessState {
	c.signal(unix.SIGKILL)
	c.l.keeper.drop(c.pid)
	c.l.spawner.wait(c.cmd)
	return c.cmd.ProcessState
}
