package launch

import (
	"context"
	"slices"
	"sync"

	"github.com/rs/zerolog"
)

// holds has a service's proxy give nothing new to workers that are not ready. Lives say which; a proxy is always told of all of them, so that
// what is said last holds, whatever became of what was said before. A worker that is being drained is none of its business: the proxy
// gives it nothing, held or not.
//
// Lives come and go in it while it speaks to the proxy, so it has a lock.
type holds struct {
	say    func(ctx context.Context, workers []string) error
	bounds bounds
	log    zerolog.Logger
	wake   chan struct{} // holds one when there may be something to say
	ctx    context.Context
	end    context.CancelFunc
	busy   sync.WaitGroup

	mu      sync.Mutex
	workers []string // sorted
	streams int      // of events that are followed: of the proxy, and for a moment of one that takes over from it
	told    bool     // the proxy knows
}

func newHolds(say func(context.Context, []string) error, b bounds, log zerolog.Logger) *holds {
	h := &holds{say: say, bounds: b, log: log, wake: make(chan struct{}, 1)}
	h.ctx, h.end = context.WithCancel(context.Background())
	h.busy.Go(h.run)
	return h
}

func (h *holds) close() {
	h.end()
	h.busy.Wait()
}

// set says whether a worker is held. It does not wait for the proxy.
func (h *holds) set(worker string, held bool) {
	h.change(func() {
		i, was := slices.BinarySearch(h.workers, worker)
		switch {
		case was == held:
			return
		case held:
			h.workers = slices.Insert(h.workers, i, worker)
		default:
			h.workers = slices.Delete(h.workers, i, i+1)
		}
		h.told = false
	})
}

// follow says that there is another proxy, which may know nothing.
func (h *holds) follow() { h.change(func() { h.streams++; h.told = false }) }

// lost says that one is not there any more.
func (h *holds) lost() { h.change(func() { h.streams-- }) }

func (h *holds) change(do func()) {
	h.mu.Lock()
	do()
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default: // it is awake
	}
}

func (h *holds) run() {
	for {
		select {
		case <-h.wake:
		case <-h.ctx.Done():
			return
		}
		for pause := h.bounds.poll; h.tell() != nil && h.ctx.Err() == nil; pause = min(2*pause, h.bounds.ask) {
			sleep(h.ctx, pause)
		}
	}
}

// tell tells the proxy, if it is there and does not know.
func (h *holds) tell() error {
	h.mu.Lock()
	workers, due := slices.Clone(h.workers), h.streams > 0 && !h.told
	h.told = true // unless somebody says otherwise meanwhile
	h.mu.Unlock()
	if !due {
		return nil
	}
	ctx, cancel := context.WithTimeout(h.ctx, h.bounds.ask)
	defer cancel()
	err := h.say(ctx, workers)
	if err != nil {
		h.log.Debug().Err(err).Msg("cannot tell the proxy which workers are not ready, trying again")
		h.change(func() { h.told = false })
	}
	return err
}
