package launch

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// firstExtraFile is the descriptor that exec.Cmd gives to the first of ExtraFiles.
const firstExtraFile = 3

// spawner starts every process of a launcher from one OS thread that lives as long as the launcher. The kernel sends a process its
// parent-death signal when the thread that made it ends, and Go ends threads as it likes: https://go.dev/issue/27505.
type spawner struct {
	asks chan spawnAsk
	quit chan struct{}
	done chan struct{}
}

type spawnAsk struct {
	cmd   *exec.Cmd
	reply chan error
}

// newSpawner also sees to it that workers inherit nothing from whoever started zfleet: descriptors that a shell or a service manager left
// open. All that Go opens is close-on-exec already. Before Linux 5.11 there is no such call, and they stay.
func newSpawner() *spawner {
	_ = unix.CloseRange(firstExtraFile, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	s := &spawner{asks: make(chan spawnAsk), quit: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *spawner) run() {
	defer close(s.done)
	runtime.LockOSThread() // for good: when run returns, after the last process, the thread ends too
	for {
		select {
		case ask := <-s.asks:
			ask.reply <- ask.cmd.Start()
		case <-s.quit:
			return
		}
	}
}

// start starts the command as leader of a process group of its own, so that a terminal's signals do not reach it and that one kill
// reaches its children too. It gets SIGTERM when the supervisor dies. That the supervisor may die between fork and prctl is seen to by
// package syscall: the child compares its parent with the one it began with, and signals itself.
func (s *spawner) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	ask := spawnAsk{cmd: cmd, reply: make(chan error, 1)}
	select {
	case s.asks <- ask:
		return <-ask.reply
	case <-s.done:
		return errors.New("the supervisor is ending")
	}
}

func (s *spawner) close() {
	close(s.quit)
	<-s.done
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
