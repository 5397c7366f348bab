package launch

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// What Exit.Rung says.
const (
	rungDrained    = "drained"     // what it held was answered, then it ended
	rungTerminated = "terminated"  // it held requests when its grace was over, or nobody could say; SIGTERM ended it
	rungKilled     = "killed"      // it took SIGKILL
	rungHandedOver = "handed over" // a proxy: another one has all that it had, and it ended by itself
)

// rung is one step of a stop ladder. Climb returns when there is nothing more to wait for on it; its context ends when the bound is over,
// and at Kill. It is told, and returns, whether the proxy has said that the worker holds nothing.
type rung struct {
	name  string // what Exit.Rung says of a process that ended here
	bound time.Duration
	climb func(ctx context.Context, drained bool) bool
}

// workerRungs are the stop ladder of a plugin and of a plain command. What a plugin does to settle is nil for a command. The last rung, for
// the proxy too, is SIGKILL: climb adds it.
func (li *life) workerRungs(settle func(context.Context) error) []rung {
	return []rung{
		{rungDrained, li.svc.Workers.Grace, li.drain},
		{rungDrained, li.l.bounds.settle, li.settle(settle)},
		{rungTerminated, li.l.bounds.terminate, li.terminate},
	}
}

// climb goes up until the process is dead, and says which rung it took. Kill goes to the top at once.
func (li *life) climb(rungs []rung) string {
	drained := false
	for _, r := range rungs {
		if li.killed.Err() != nil {
			break
		}
		ctx, cancel := context.WithTimeout(li.killed, r.bound)
		drained = r.climb(ctx, drained)
		cancel()
		switch {
		case li.child.isDead() && drained:
			return rungDrained
		case li.child.isDead():
			return r.name
		}
	}
	li.child.signal(unix.SIGKILL)
	return rungKilled
}

// drain has the proxy give the worker nothing new and waits until it holds nothing. The worker may end meanwhile: then there is nobody
// left to drain.
func (li *life) drain(ctx context.Context, _ bool) bool {
	ctx, cancel := li.whileAlive(ctx)
	defer cancel()
	li.log.Debug().Msg("the worker drains")
	err := li.home.persist(ctx, li.l.bounds.poll, func(ctx context.Context) error { return li.home.control.Drain(ctx, li.name.String()) })
	if li.child.isDead() || li.killed.Err() != nil {
		return false
	}
	if err != nil {
		li.log.Warn().Err(err).Msg("the worker is stopped without knowing that all it held is answered")
	}
	li.tell(fleet.DrainEnded{Life: li.name})
	return err == nil
}

// settle lets a plugin's own handlers return.
func (li *life) settle(ask func(context.Context) error) func(context.Context, bool) bool {
	return func(ctx context.Context, drained bool) bool {
		if ask == nil {
			return drained
		}
		ctx, cancel := li.whileAlive(ctx)
		defer cancel()
		if err := ask(ctx); err != nil && !li.child.isDead() {
			li.log.Debug().Err(err).Msg("the worker did not answer that its handlers have returned")
		}
		return drained
	}
}

// terminate asks the group to end and waits for all of it: the worker's children may need longer than the worker.
func (li *life) terminate(ctx context.Context, drained bool) bool {
	li.child.ask(unix.SIGTERM)
	li.awaitGroup(ctx)
	return drained
}

// awaitGroup waits until the process and all others of its group have ended.
func (li *life) awaitGroup(ctx context.Context) {
	select {
	case <-li.child.alive.Done():
	case <-ctx.Done():
		return
	}
	for ctx.Err() == nil && othersInGroup(li.child.pid) {
		sleep(ctx, li.l.bounds.poll)
	}
}

// whileAlive ends with ctx and with the process.
func (li *life) whileAlive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	forget := context.AfterFunc(li.child.alive, cancel)
	return ctx, func() { forget(); cancel() }
}
