package launch

import (
	"bufio"
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/cgroup"
)

// GuardCommand is the hidden command of zfleet that runs Guard on its standard input.
const GuardCommand = "guard"

const (
	guardPatience = 3 * time.Second       // from SIGTERM to SIGKILL
	guardPoll     = 20 * time.Millisecond // between looks whether a group is gone
)

// Guard ends what a supervisor that was killed leaves behind. It reads lines from r, "add PGID" and "drop PGID", until EOF, which comes
// when the supervisor is gone; then every process group that was added and not dropped gets SIGTERM, and SIGKILL when it is not gone
// within three seconds. The parent-death signal alone is not enough: it does not reach the children of workers. After "run VARIABLE" it also
// kills every process that has this variable, NAME=VALUE, in its environment: those that left their group.
//
// A proxy, "proxy PID", is left alone: it waits for the next supervisor, and ends by itself when none comes. One that still lives when the
// time of "patience DURATION" is over, does neither: it gets SIGKILL. The control group of "tree PATH" is given back.
//
// It ignores the signals that end a whole terminal session or service, since it has to outlive the supervisor; EOF is what ends it.
func Guard(r io.Reader) error {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE,
		unix.SIGUSR1, unix.SIGUSR2)
	w := &ward{groups: make(map[int]bool), proxies: make(map[int]int)}
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		if err := w.order(scanner.Text()); err != nil {
			return err
		}
	}
	if w.tree != "" {
		_ = cgroup.Release(w.tree) // there is nobody to be told
	}
	endGroups(w.groups, guardPatience)
	if w.run != "" {
		endStrays(w.run)
	}
	w.endProxies()
	return scanner.Err()
}

// ward is what a guard sees to.
type ward struct {
	run      string // the variable of all workers
	tree     string // the control group that was delegated; "": none was
	groups   map[int]bool
	proxies  map[int]int // by pid: its pidfd, so that the number cannot come to mean another process
	patience time.Duration
}

// order takes in one line.
func (w *ward) order(line string) (err error) {
	verb, what, _ := strings.Cut(line, " ")
	switch verb {
	case "run":
		w.run = what
	case "tree":
		w.tree = what
	case "patience":
		w.patience, err = time.ParseDuration(what)
	default:
		err = w.process(verb, what)
	}
	if err != nil {
		return fmt.Errorf("cannot guard %q: want add PGID, proxy PID, drop NUMBER, run VARIABLE, tree PATH or patience DURATION", line)
	}
	return nil
}

// process takes in a line about a process. Groups 0 and 1 do not exist for kill(2): they would be our own, and every process there is.
func (w *ward) process(verb, what string) error {
	number, err := strconv.Atoi(what)
	switch {
	case err != nil:
		return err
	case number <= 1:
		return unix.EINVAL
	case verb == "add":
		w.groups[number] = true
	case verb == "proxy":
		if fd, err := unix.PidfdOpen(number, 0); err == nil { // or else it has ended
			w.proxies[number] = fd
		}
	case verb == "drop":
		w.drop(number)
	default:
		return unix.EINVAL
	}
	return nil
}

func (w *ward) drop(number int) {
	delete(w.groups, number)
	if fd, ok := w.proxies[number]; ok {
		_ = unix.Close(fd)
		delete(w.proxies, number)
	}
}

// endProxies waits for the proxies that are left, and then for none any more.
func (w *ward) endProxies() {
	until := time.Now().Add(w.patience)
	for _, fd := range w.proxies {
		if !awaitPidfd(fd, time.Until(until)) {
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) // it may have ended just now
		}
	}
}

// awaitPidfd says whether a process ended in time: pidfd_open(2).
func awaitPidfd(fd int, patience time.Duration) bool {
	for end := time.Now().Add(patience); ; {
		wait := int(max(time.Until(end), 0).Milliseconds())
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, wait)
		if err != unix.EINTR {
			return n > 0
		}
	}
}

// endGroups takes a group off its list as soon as it is seen gone, and never signals its number again. A number could be another's only
// if all others were used up within one look.
func endGroups(groups map[int]bool, patience time.Duration) {
	signalGroups(groups, unix.SIGTERM)
	signalGroups(groups, unix.SIGCONT) // lets stopped processes hear it
	for end := time.Now().Add(patience); len(groups) > 0 && time.Now().Before(end); time.Sleep(guardPoll) {
		signalGroups(groups, 0)
	}
	signalGroups(groups, unix.SIGKILL)
}

func signalGroups(groups map[int]bool, sig unix.Signal) {
	for pgid := range groups {
		if unix.Kill(-pgid, sig) == unix.ESRCH {
			delete(groups, pgid)
		}
	}
}
