package launch

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/cgroup"
)

// firstExtraFile is the descriptor that exec.Cmd gives to the first of ExtraFiles.
const firstExtraFile = 3

// spawner starts and reaps every process of a launcher on one OS thread that lives as long as the launcher. The kernel sends a process its
// parent-death signal when the thread that made it ends, and Go ends threads as it likes: https://go.dev/issue/27505.
//
// That it does one thing at a time is also what keeps apart the children that somebody here waits for from those that were only left to
// this process: no child can be born, or its number be given to another, while it looks.
type spawner struct {
	asks chan func()
	quit chan struct{}
	done chan struct{}

	// The goroutine's alone.
	own    map[int]bool // children that somebody waits for
	adopts bool         // those that nobody waits for are reaped
}

// newSpawner also sees to it that workers inherit nothing from whoever started zfleet: descriptors that a shell or a service manager left
// open. All that Go opens is close-on-exec already. Before Linux 5.11 there is no such call, and they stay.
func newSpawner() *spawner {
	_ = unix.CloseRange(firstExtraFile, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	s := &spawner{asks: make(chan func()), quit: make(chan struct{}), done: make(chan struct{}), own: map[int]bool{}}
	go s.run()
	return s
}

func (s *spawner) run() {
	defer close(s.done)
	runtime.LockOSThread() // for good: when run returns, after the last process, the thread ends too
	for {
		select {
		case ask := <-s.asks:
			ask()
		case <-s.quit:
			return
		}
	}
}

// do has it done on the spawner's thread, and says whether it was: not once the spawner has ended.
func (s *spawner) do(what func()) bool {
	did := make(chan struct{})
	select {
	case s.asks <- func() { defer close(did); what() }:
		<-did
		return true
	case <-s.done:
		return false
	}
}

// start starts the command as leader of a process group of its own, so that a terminal's signals do not reach it and that one kill
// reaches its children too. With last it gets that signal when the supervisor dies. That the supervisor may die between fork and prctl is seen to by
// package syscall: the child compares its parent with the one it began with, and signals itself.
// With a control group it is in that from its first instruction on.
func (s *spawner) start(cmd *exec.Cmd, group *cgroup.Group, last syscall.Signal) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: last}
	if group != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, group.FD()
		defer group.Entered()
	}
	return s.startAs(cmd)
}

// startAs starts the command as its SysProcAttr says.
func (s *spawner) startAs(cmd *exec.Cmd) (err error) {
	started := s.do(func() {
		if err = cmd.Start(); err == nil {
			s.own[cmd.Process.Pid] = true
		}
	})
	if !started {
		return errors.New("the supervisor is ending")
	}
	return err
}

// wait reaps a process that has ended, see awaitEnd. Its state says how.
func (s *spawner) wait(cmd *exec.Cmd) {
	reap := func() {
		_ = cmd.Wait() // the state says what it would
		delete(s.own, cmd.Process.Pid)
		s.reapAdopted() // which it may have stood before
	}
	if !s.do(reap) {
		_ = cmd.Wait()
	}
}

func (s *spawner) close() {
	close(s.quit)
	<-s.done
}

// awaitEnd waits for a child to end and leaves it to be reaped: until then its number stays its own.
func awaitEnd(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		continue
	}
}

// lifeline is a pipe that nobody writes to. Whoever inherits its reading end sees EOF when the supervisor is gone, however it went. The
// writing end is close-on-exec, so it is in no other process.
type lifeline struct{ read, write *os.File }

func newLifeline() (*lifeline, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &lifeline{r, w}, nil
}

func (l *lifeline) close() error { return errors.Join(l.write.Close(), l.read.Close()) }
