package workerkit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// worker is one life: set up, told where to connect, connected, drained. Its goroutine is run; the other methods are for all.
type worker struct {
	handler Handler
	options options
	log     zerolog.Logger
	stats   stats
	health  *health // the author's check whether it is ready
	pulse   *health // and whether it is alive

	place    chan place             // where to connect: told once
	phase    atomic.Pointer[string] // why it is not ready, or "" when that is the author's check to say
	draining context.Context        // done: take nothing more
	drain    context.CancelFunc
	now      context.Context // done: give up what is under way
	giveUp   context.CancelFunc
	late     atomic.Bool   // the grace was over before the work was
	done     chan struct{} // run has returned, and failure is there to read
	failure  error         // why the worker cannot be one
}

// place is a backend and how many lanes to open to it.
type place struct {
	backend Backend
	lanes   int
}

// newWorker makes a worker that drains when ctx is done. It logs to ctx's logger, and handlers see ctx's values.
func newWorker(ctx context.Context, h Handler, o options) *worker {
	log := *zerolog.Ctx(ctx)
	w := &worker{handler: h, options: o, log: log, place: make(chan place, 1), done: make(chan struct{})}
	w.health, w.pulse = newHealth("health check", o.health, log), newHealth("alive check", o.alive, log)
	w.draining, w.drain = context.WithCancel(ctx)
	w.now, w.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	w.enter("it is being set up")
	return w
}

func (w *worker) enter(phase string) { w.phase.Store(&phase) }

// run is the worker's life. It returns when the worker is drained, or cannot be one.
func (w *worker) run() {
	defer close(w.done)
	defer w.giveUp()
	defer w.drain()
	w.failure = w.live()
	w.enter("it has ended")
}

func (w *worker) live() error {
	if ready, err := w.setUp(); !ready {
		return err
	}
	w.enter("it has not been told where to connect")
	var err error
	select {
	case p := <-w.place:
		err = w.work(p)
	case <-w.draining.Done():
	}
	return errors.Join(err, w.tearDown())
}

// setUp runs the author's setup. One that goes on when the worker is told to end is left behind, and an error is then its answer to that.
func (w *worker) setUp() (ready bool, err error) {
	verdict := make(chan error, 1)
	go func() {
		verdict <- guard(w.log, "setup", func() error { return w.options.setup(w.draining) })
	}()
	select {
	case err = <-verdict:
	case <-w.draining.Done():
		return false, nil
	}
	if err != nil && w.draining.Err() == nil {
		return false, fmt.Errorf("cannot set up: %w", err)
	}
	return err == nil, nil
}

func (w *worker) tearDown() error {
	if err := guard(w.log, "teardown", func() error { return w.options.teardown(w.now) }); err != nil {
		return fmt.Errorf("cannot tear down: %w", err)
	}
	return nil
}

// work serves the backend until the worker is drained and its replies are sent.
func (w *worker) work(p place) error {
	ls, err := openLanes(p.backend, p.lanes)
	if err != nil {
		return err
	}
	w.log.Info().Strs("backend", p.backend.Endpoints).Int("concurrency", p.lanes).Msg("connecting")
	w.enter("")
	a := answerer{handler: w.handler, log: w.log, stats: &w.stats, now: w.now}
	return errors.Join(ls.serve(w.draining, w.drain, a.answer), ls.close())
}

// end drains the worker, and gives up what is under way when the grace is over. It does not wait.
func (w *worker) end(grace time.Duration) {
	time.AfterFunc(grace, func() {
		if w.now.Err() == nil {
			w.late.Store(true)
		}
		w.giveUp()
	})
	w.drain()
}

// ready returns why the worker cannot take requests, or nil.
func (w *worker) ready(ctx context.Context) error {
	if phase := *w.phase.Load(); phase != "" {
		return errors.New(phase)
	}
	if w.draining.Err() != nil {
		return errors.New("it is draining")
	}
	return w.health.ask(ctx)
}

// alive returns why the worker does not work any more, or nil. The author is asked only while there are lanes: a setup may take long, and so
// may an end.
func (w *worker) alive(ctx context.Context) error {
	if *w.phase.Load() != "" || w.draining.Err() != nil {
		return nil
	}
	return w.pulse.ask(ctx)
}
