package launch

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// watch tells of readiness until the process ends or has to. The error is why it has to, if nobody told it to.
func (li *life) watch() error {
	ctx, cancel := context.WithCancel(li.killed)
	heard := make(chan news)
	var attendant sync.WaitGroup
	attendant.Go(func() { li.role.attend(ctx, teller(ctx, heard)) })
	defer attendant.Wait() // the ladder may use what it found out
	defer cancel()
	li.ready.settle(li.name, li.tell)
	for {
		select {
		case <-li.child.alive.Done():
			return nil
		case <-li.stopping:
			return nil
		case reason := <-li.aborted:
			return abortedError{reason}
		case <-li.killed.Done():
			return nil
		case n := <-heard:
			if failed, ok := n.(failedNews); ok {
				return failed.err
			}
			li.ready.hear(n, li.name, li.tell, func(held bool) { li.home.holds.set(li.name.String(), held) })
		}
	}
}

// teller is how an attendant tells the life: never once nobody listens any more.
func teller(ctx context.Context, heard chan<- news) func(news) {
	return func(n news) {
		select {
		case heard <- n:
		case <-ctx.Done():
		}
	}
}

// ending is how a process was brought to its end. One that ended by itself was not.
type ending struct {
	cause error  // why it had to, if nobody told it to stop
	rung  string // of the stop ladder that it took, if somebody did
	dump  string // the signal that asked it for a stack dump
}

// end sees to it that the process is dead.
func (li *life) end(cause error) (e ending) {
	var aborted abortedError
	switch e.cause = cause; {
	case li.child.isDead() && errors.As(cause, &aborted): // it came before that
		e.cause = nil
	case li.child.isDead():
	case errors.As(cause, &aborted):
		e.dump = li.dump()
		li.child.signal(unix.SIGKILL)
	case cause != nil:
		li.child.signal(unix.SIGKILL)
	default:
		e.rung = li.climb(li.role.rungs())
	}
	<-li.child.alive.Done() // after SIGKILL only the kernel can keep it
	return e
}

// hasHandedOver says of a proxy that is gone whether another one has what it had.
func (li *life) hasHandedOver(exit fleet.Exit) bool {
	return li.name.Slot == fleet.ProxySlot && exit.Code == 0 && li.home.proxies.Load() > 0
}

// bury forgets the process and says how it ended.
func (li *life) bury(e ending) fleet.Exit {
	li.home.roster.leave(li.name.String()) // before its number can be another's
	li.home.census.remove(li.name)
	exit := exitOf(li.child.reap())
	li.explainMemory(&exit, e.cause == nil && e.rung == "")
	li.endStrays()
	li.out.finish(li.l.bounds.tail)
	li.role.clear()
	exit.Rung, exit.Dump, exit.LastLines = e.rung, e.dump, li.out.lastLines()
	if e.rung == "" && li.hasHandedOver(exit) {
		exit.Rung, exit.Reason = rungHandedOver, "handed over to another proxy"
	}
	if e.cause == nil && e.rung == "" {
		e.cause = li.role.fault()
	}
	switch {
	case e.cause != nil:
		exit.Reason = e.cause.Error()
	case e.rung == "" && li.ready.waits != "":
		exit.Reason += " before " + li.ready.waits
	}
	if li.svc.Delivery.DeadLetters > 0 && li.name.Slot != fleet.ProxySlot {
		li.home.exits.say(li.name, li.child.pid, exit)
	}
	return exit
}
