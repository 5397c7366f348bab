package launch

import (
	"fmt"
	"os"
	"os/signal"
	"time"
	"unsafe"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// adopter reaps what is left to this process when its parent ends: as process 1 of a container it is everybody's heir, and elsewhere it asks
// to be the heir of its own descendants, PR_SET_CHILD_SUBREAPER in prctl(2). Whoever else in this process starts children must do so
// through the spawner: what the spawner does not know is reaped here, and its exit status with it.
type adopter struct {
	spawner *spawner
	deaths  chan os.Signal
	quit    chan struct{}
	done    chan struct{}
}

func adopt(s *spawner) (*adopter, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("cannot become the parent of what workers leave behind: %w", err)
	}
	a := &adopter{spawner: s, deaths: make(chan os.Signal, 1), quit: make(chan struct{}), done: make(chan struct{})}
	signal.Notify(a.deaths, unix.SIGCHLD)
	s.do(func() { s.adopts = true })
	go a.run()
	return a, nil
}

// run looks after every death, and once at first: some may have died before it listened.
func (a *adopter) run() {
	defer close(a.done)
	for {
		a.spawner.do(a.spawner.reapAdopted)
		select {
		case <-a.deaths:
		case <-a.quit:
			return
		}
	}
}

// close ends all that was left to this process and lives on. Their children are left to it in turn.
func (a *adopter) close() {
	for end := time.Now().Add(straysBound); time.Now().Before(end); time.Sleep(straysPoll) {
		killed := 0
		a.spawner.do(func() { killed = a.spawner.killAdopted() })
		if killed == 0 {
			break
		}
	}
	signal.Stop(a.deaths)
	close(a.quit)
	<-a.done
}

// reapAdopted reaps the dead children that nobody waits for. The kernel shows the dead one by one: when it shows one that is waited for, what
// may lie behind it has its turn as soon as that one is reaped.
func (s *spawner) reapAdopted() {
	for s.adopts {
		pid := firstDead()
		if pid == 0 || s.own[pid] {
			return
		}
		if _, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err != nil && err != unix.EINTR {
			return
		}
	}
}

// killAdopted kills the children that nobody waits for, and says how many live. Nobody else reaps them, so no number can become another's
// meanwhile.
func (s *spawner) killAdopted() (living int) {
	s.reapAdopted()
	processes, err := procfs.AllProcs()
	if err != nil {
		return 0
	}
	for _, p := range processes {
		stat, err := p.Stat()
		if err == nil && stat.PPID == os.Getpid() && !s.own[p.PID] && stat.State != "Z" && unix.Kill(p.PID, unix.SIGKILL) == nil {
			living++
		}
	}
	return living
}

// firstDead is a child that has ended and is not reaped, 0 if there is none. It is left as it is.
func firstDead() int {
	var info unix.Siginfo
	for {
		switch unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) {
		case nil:
			return pidOf(&info)
		case unix.EINTR:
		default: // there are no children
			return 0
		}
	}
}

// pidOf is si_pid, for which unix.Siginfo has no name: the first field after three numbers, aligned as a pointer (sigaction(2),
// include/uapi/asm-generic/siginfo.h).
func pidOf(info *unix.Siginfo) int {
	const at = (3*unsafe.Sizeof(info.Signo) + unsafe.Alignof(uintptr(0)) - 1) &^ (unsafe.Alignof(uintptr(0)) - 1)
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), at)))
}
