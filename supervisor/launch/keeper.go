package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

const (
	guardWrite   = time.Second // for the guard to take an order; a guard that does not is replaced
	guardEnd     = 2 * time.Second
	guardDelay   = time.Second // before a restart, if it did not last; doubles
	guardMaxWait = 30 * time.Second
)

// keeper runs the guard process: it tells it of every process group, and starts it again, and tells it again, when it dies. Its
// goroutine owns everything but asks and done.
type keeper struct {
	self  string
	log   zerolog.Logger
	spawn *spawner
	asks  chan guardAsk
	done  chan struct{}
	told  [][2]string    // what every guard is told first: verb and what
	wards map[int]string // the orders that told the guard of them, by number

	guard   *exec.Cmd
	orders  *os.File      // the guard reads its other end
	ended   chan struct{} // closed when the guard was reaped; nil: there is none
	started time.Time
	wait    time.Duration // before the next restart
}

// guardAsk is an order for the guard; pgid 0 ends it.
type guardAsk struct {
	verb string
	pgid int
	done chan struct{}
}

func newKeeper(self string, told [][2]string, spawn *spawner, log zerolog.Logger) (*keeper, error) {
	k := &keeper{self: self, log: log, spawn: spawn, asks: make(chan guardAsk), done: make(chan struct{})}
	k.told, k.wards = told, make(map[int]string)
	if err := k.start(); err != nil {
		return nil, fmt.Errorf("cannot start the guard: %s: %s", self, whyNot(self, "", err))
	}
	go k.run()
	return k, nil
}

// add returns when the guard knows the group, or will once it is back.
func (k *keeper) add(pgid int) { k.tell("add", pgid) }

// proxy is add for a proxy, which is to outlive the supervisor.
func (k *keeper) proxy(pid int) { k.tell("proxy", pid) }

// drop returns when the guard will not touch the group any more.
func (k *keeper) drop(pgid int) { k.tell("drop", pgid) }

func (k *keeper) tell(verb string, pgid int) {
	ask := guardAsk{verb: verb, pgid: pgid, done: make(chan struct{})}
	select {
	case k.asks <- ask:
		<-ask.done
	case <-k.done:
	}
}

// close ends the guard. If processes are left that could not be killed, the guard sees to them.
func (k *keeper) close() error {
	k.tell("", 0)
	<-k.done
	if k.ended == nil {
		return nil
	}
	select {
	case <-k.ended:
		return nil
	case <-time.After(guardEnd + guardPatience):
		_ = k.guard.Process.Kill()
		return errors.New("cannot end the guard: it was killed")
	}
}

func (k *keeper) run() {
	defer close(k.done)
	var again <-chan time.Time
	for {
		select {
		case ask := <-k.asks:
			if ask.pgid == 0 {
				k.hangUp()
				close(ask.done)
				return
			}
			k.order(ask.verb, ask.pgid)
			close(ask.done)
		case <-k.ended:
			k.log.Warn().Int("pid", k.guard.Process.Pid).Msg("the guard has ended, it is started again")
			k.hangUp()
			k.ended = nil
			again = time.After(k.delay())
		case <-again:
			again = k.restart()
		}
	}
}

func (k *keeper) order(verb string, pgid int) {
	if verb == "drop" {
		delete(k.wards, pgid)
	} else {
		k.wards[pgid] = verb
	}
	k.write(verb, strconv.Itoa(pgid))
}

// write tells the guard. One that does not take it is killed, and what it missed is told to the next.
func (k *keeper) write(verb, what string) {
	if k.orders == nil {
		return
	}
	_ = k.orders.SetWriteDeadline(time.Now().Add(guardWrite))
	if _, err := fmt.Fprintf(k.orders, "%s %s\n", verb, what); err != nil {
		_ = k.guard.Process.Kill()
		k.hangUp()
	}
}

func (k *keeper) hangUp() {
	if k.orders != nil {
		_ = k.orders.Close()
		k.orders = nil
	}
}

// delay is how long to wait before the guard is started again: not at all if the last one lasted.
func (k *keeper) delay() time.Duration {
	if time.Since(k.started) > guardDelay {
		k.wait = 0
		return 0
	}
	k.wait = min(max(2*k.wait, guardDelay), guardMaxWait)
	return k.wait
}

func (k *keeper) restart() (again <-chan time.Time) {
	err := k.start()
	if err == nil {
		return nil
	}
	k.log.Error().Str("cause", whyNot(k.self, "", err)).Msg("cannot start the guard again: a killed supervisor would leave workers behind")
	return time.After(k.delay())
}

// start starts the guard and tells it all groups. It holds nothing but its orders: no terminal, no folder, no output.
func (k *keeper) start() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	cmd := exec.Command(k.self, GuardCommand)
	cmd.Stdin, cmd.Dir, cmd.SysProcAttr = r, "/", &syscall.SysProcAttr{Setsid: true}
	k.started = time.Now()
	if err := k.spawn.startAs(cmd); err != nil {
		return errors.Join(err, w.Close())
	}
	k.guard, k.orders, k.ended = cmd, w, make(chan struct{})
	k.log.Debug().Int("pid", cmd.Process.Pid).Msg("the guard runs")
	go k.reapGuard(cmd, k.ended)
	for _, t := range k.told {
		k.write(t[0], t[1])
	}
	for number, verb := range k.wards {
		k.write(verb, strconv.Itoa(number))
	}
	return nil
}

func (k *keeper) reapGuard(cmd *exec.Cmd, ended chan<- struct{}) {
	defer close(ended)
	awaitEnd(cmd.Process.Pid)
	k.spawn.wait(cmd)
}
