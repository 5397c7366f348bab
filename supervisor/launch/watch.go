package launch

import (
	"context"
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
		case <-li.killed.Done():
			return nil
		case n := <-heard:
			if failed, ok := n.(failedNews); ok {
				return failed.err
			}
			li.ready.hear(n, li.name, li.tell)
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

// end sees to it that the process is dead, and says which rung of the ladder that took.
func (li *life) end(cause error) (rung string) {
	switch {
	case li.child.isDead():
	case cause != nil:
		li.child.signal(unix.SIGKILL)
	default:
		rung = li.climb(li.role.rungs())
	}
	<-li.child.alive.Done() // after SIGKILL only the kernel can keep it
	return rung
}

// bury forgets the process and says how it ended.
func (li *life) bury(cause error, rung string) fleet.Exit {
	li.home.roster.leave(li.name.String()) // before its number can be another's
	li.home.census.remove(li.name)
	exit := exitOf(li.child.reap())
	li.explainMemory(&exit, cause == nil && rung == "")
	li.endStrays()
	li.out.finish(li.l.bounds.tail)
	li.role.clear()
	exit.Rung, exit.LastLines = rung, li.out.lastLines()
	if cause == nil && rung == "" {
		cause = li.role.fault()
	}
	switch {
	case cause != nil:
		exit.Reason = cause.Error()
	case rung == "" && li.ready.waits != "":
		exit.Reason += " before " + li.ready.waits
	}
	if li.svc.Delivery.DeadLetters > 0 && li.name.Slot != fleet.ProxySlot {
		li.home.exits.say(li.name, li.child.pid, exit)
	}
	return exit
}
