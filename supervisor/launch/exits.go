package launch

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// exitsWaiting is how many exits may wait for a proxy that does not answer. Further ones are not told.
const exitsWaiting = 64

// exits tells a service's proxy how its workers ended, for its dead letters. The proxy may be gone just then, and come back. Its goroutine,
// run, is not waited for by any life.
type exits struct {
	send    func(context.Context, control.Exit) error
	bounds  bounds
	log     zerolog.Logger
	waiting chan control.Exit
	ctx     context.Context
	end     context.CancelFunc
	busy    sync.WaitGroup
}

func newExits(send func(context.Context, control.Exit) error, b bounds, log zerolog.Logger) *exits {
	e := &exits{send: send, bounds: b, log: log, waiting: make(chan control.Exit, exitsWaiting)}
	e.ctx, e.end = context.WithCancel(context.Background())
	e.busy.Go(e.run)
	return e
}

func (e *exits) close() {
	e.end()
	e.busy.Wait()
}

// say leaves an exit to be told. It does not wait.
func (e *exits) say(name fleet.Life, pid int, exit fleet.Exit) {
	told := control.Exit{
		Worker: name.String(), Pid: pid,
		Reason: exit.Reason, Code: exit.Code, Signal: exit.Signal, LastLines: exit.LastLines,
	}
	select {
	case e.waiting <- told:
	default:
	}
}

func (e *exits) run() {
	for {
		select {
		case exit := <-e.waiting:
			e.tell(exit)
		case <-e.ctx.Done():
			return
		}
	}
}

// tell tries until the proxy has heard it, for as long as a restart of the proxy takes.
func (e *exits) tell(exit control.Exit) {
	ctx, cancel := context.WithTimeout(e.ctx, e.bounds.exits)
	defer cancel()
	err := e.send(ctx, exit)
	for err != nil && ctx.Err() == nil {
		sleep(ctx, e.bounds.poll)
		err = e.send(ctx, exit)
	}
	if err != nil && e.ctx.Err() == nil {
		e.log.Warn().Str("worker", exit.Worker).Err(err).Msg("the proxy was not told how the worker ended: a dead letter will not say it")
	}
}
