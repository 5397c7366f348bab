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
// It ignores the signals that end a whole terminal session or service, since it has to outlive the supervisor; EOF is what ends it.
func Guard(r io.Reader) error {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE,
		unix.SIGUSR1, unix.SIGUSR2)
	groups, run := make(map[int]bool), ""
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		if tag, ok := strings.CutPrefix(scanner.Text(), "run "); ok {
			run = tag
		} else if err := guardOrder(groups, scanner.Text()); err != nil {
			return err
		}
	}
	endGroups(groups, guardPatience)
	if run != "" {
		endStrays(run)
	}
	return scanner.Err()
}

// guardOrder takes in one line. Groups 0 and 1 do not exist for kill(2): they would be our own, and every process there is.
func guardOrder(groups map[int]bool, line string) error {
	verb, number, _ := strings.Cut(line, " ")
	pgid, err := strconv.Atoi(number)
	if err != nil || pgid <= 1 || verb != "add" && verb != "drop" {
		return fmt.Errorf("cannot guard %q: want add PGID or drop PGID", line)
	}
	if verb == "add" {
		groups[pgid] = true
	} else {
		delete(groups, pgid)
	}
	return nil
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
