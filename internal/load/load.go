// Package load makes load on a ROUTER port with real libzmq clients and measures the replies. Run is the entry point: closed loop, where each
// client keeps so many requests under way, or open loop, where requests are sent at a rate whatever the replies do, and latency counts from
// the moment at which a request was due: a service that holds up its clients cannot hide it.
//
// A gang is a goroutine with a share of the clients; it owns their sockets (wire.go), sends what is due (schedule.go) and knows what is under
// way (ledger.go). What is printed is left to package cli.
package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pebbe/zmq4"
)

// Options say what load to make. Endpoint and Clients are required, and Outstanding or Rate.
type Options struct {
	Endpoint    string // to connect to
	Clients     int
	Outstanding int           // closed loop: requests that each client has under way; 1 is a REQ, more are DEALERs
	Rate        float64       // open loop: requests a second of all clients together
	Payload     []byte        // of each request; nil: a number of Size digits
	Size        int           // of the payload when there is none
	Echo        bool          // the service echoes: each reply must be its request's payload
	Duration    time.Duration // after Warmup
	Warmup      time.Duration // what is due before it has passed is not measured
	Patience    time.Duration // how long after the end replies are waited for
}

// gangSize is from how many clients on another goroutine is worth its thread.
const gangSize = 4

// Run makes load until its time is over or ctx ends, and gives the result so far. Progress follows it meanwhile, from any goroutine. The error
// is that of libzmq, or of the limit of open files.
func Run(ctx context.Context, opts Options, progress *Progress) (Result, error) {
	if err := roomFor(opts.Clients); err != nil {
		return Result{}, err
	}
	gangs := max(1, min(runtime.GOMAXPROCS(0), opts.Clients/gangSize))
	zctx, err := newContext(opts.Clients, gangs)
	if err != nil {
		return Result{}, err
	}
	all := make([]*gang, gangs)
	for i := range all {
		clients := opts.Clients/gangs + min(1, max(0, opts.Clients%gangs-i))
		all[i] = newGang(opts, i, gangs, clients, progress)
	}
	err = runAll(ctx, zctx, opts, all)
	return sum(ctx, all), errors.Join(err, zctx.Term())
}

func newContext(clients, threads int) (*zmq4.Context, error) {
	zctx, err := zmq4.NewContext()
	if err == nil {
		err = errors.Join(zctx.SetMaxSockets(clients+16), zctx.SetIoThreads(threads))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start libzmq: %w", err)
	}
	return zctx, nil
}

// runAll lets the gangs begin together, when all have their sockets.
func runAll(ctx context.Context, zctx *zmq4.Context, opts Options, all []*gang) error {
	var connected, wg sync.WaitGroup
	connected.Add(len(all))
	start := sync.OnceValue(time.Now)
	errs := make([]error, len(all))
	for i, g := range all {
		wg.Go(func() {
			w, err := connect(zctx, opts, g.clients)
			connected.Done()
			if err != nil {
				errs[i] = err
				return
			}
			connected.Wait()
			errs[i] = errors.Join(g.run(ctx, w, start()), w.close())
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Progress is how far a Run has come. The zero value is ready to be used.
type Progress struct {
	Answered, Errors, Wrong atomic.Int64
	Outstanding             atomic.Int64
}
