package workerkit

import (
	"context"
	"errors"
	"fmt"

	zmq "github.com/pebbe/zmq4"
)

// lanes are all REP sockets of a worker, in a ZeroMQ context of their own.
type lanes struct {
	zctx *zmq.Context
	all  []*lane
}

func openLanes(b Backend, n int) (*lanes, error) {
	if len(b.Endpoints) == 0 {
		return nil, errors.New("cannot connect: no endpoint was given")
	}
	zctx, err := zmq.NewContext()
	if err != nil {
		return nil, fmt.Errorf("cannot start ZeroMQ: %w", err)
	}
	ls := &lanes{zctx: zctx}
	if err := ls.open(b, n); err != nil {
		return nil, errors.Join(err, ls.close())
	}
	return ls, nil
}

func (ls *lanes) open(b Backend, n int) error {
	if err := ls.zctx.SetMaxSockets(n); err != nil { // the default is 1023
		return fmt.Errorf("cannot have %d REP sockets: %w", n, err)
	}
	ts := targets(b)
	for i := range n {
		l, err := openLane(ls.zctx, b, ts)
		if err != nil {
			return fmt.Errorf("cannot open lane %d of %d: %w", i+1, n, err)
		}
		ls.all = append(ls.all, l)
	}
	return nil
}

// serve runs every lane until draining is done and all have ended. When one fails it calls drain for the others.
func (ls *lanes) serve(draining context.Context, drain func(), answer func([][]byte) ([][]byte, bool)) error {
	ended := make(chan error)
	for _, l := range ls.all {
		go l.run(draining, answer, ended)
	}
	var failure error
	for range ls.all {
		if err := <-ended; err != nil {
			failure = errors.Join(failure, err)
			drain()
		}
	}
	return failure
}

// close closes what serve did not, and waits until all replies are sent or linger is over.
func (ls *lanes) close() error {
	var errs []error
	for _, l := range ls.all {
		errs = append(errs, l.close())
	}
	return errors.Join(append(errs, ls.zctx.Term())...)
}
