// Package workertest runs a worker in a test, without a process and without zfleet. [New] starts it, and Call asks it as a client does:
// over real REQ and REP sockets, so that the test sees what a reply looks like on the wire.
package workertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"
	"github.com/rs/zerolog"
	"github.com/zfleet/zfleet/workerkit"
)

// Timeout is how long a Call waits for its reply, and the end of the test for the end of the worker.
const Timeout = 10 * time.Second

// Worker is a running worker.
type Worker struct {
	timeout time.Duration
	lanes   *lanes
	ended   chan struct{} // the worker has ended, for the reason in err
	err     error
}

// New runs a worker until the test ends, and then drains it. What it logs is logged by t. The health check is not called.
func New(t testing.TB, h workerkit.Handler, opts ...workerkit.Option) *Worker {
	t.Helper()
	return start(t, Timeout, h, opts)
}

func start(t testing.TB, timeout time.Duration, h workerkit.Handler, opts []workerkit.Option) *Worker {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf") // t.TempDir can be too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &Worker{timeout: timeout, ended: make(chan struct{})}
	if w.lanes, err = listen(dir, timeout); err != nil {
		t.Fatalf("cannot listen for the worker: %v", err)
	}
	ctx, drain := context.WithCancel(zerolog.New(zerolog.NewTestWriter(t)).WithContext(context.Background()))
	go w.run(ctx, h, opts)
	t.Cleanup(func() {
		drain()
		if err := w.end(); err != nil {
			t.Errorf("the worker ended badly: %v", err)
		}
	})
	return w
}

func (w *Worker) run(ctx context.Context, h workerkit.Handler, opts []workerkit.Option) {
	defer close(w.ended)
	w.err = workerkit.Run(ctx, h, workerkit.Backend{Endpoints: []string{w.lanes.endpoint}}, opts...)
}

func (w *Worker) end() error {
	select {
	case <-w.ended:
		return errors.Join(w.err, w.lanes.close())
	case <-time.After(w.timeout):
		return fmt.Errorf("a handler has not returned after %s", w.timeout)
	}
}

// Call sends a request and returns the reply's frames. The error is a *workerkit.Error when the worker answered with an error reply, and
// something else when there is no reply. Any goroutine may call it; as many run at a time as the worker's concurrency says, the others
// wait.
func (w *Worker) Call(request ...[]byte) ([][]byte, error) {
	if len(request) == 0 {
		request = [][]byte{{}}
	}
	select {
	case lane := <-w.lanes.idle:
		return w.ask(lane, request)
	case <-w.ended:
		return nil, fmt.Errorf("no reply: the worker has ended: %v", w.err)
	case <-time.After(w.timeout):
		return nil, fmt.Errorf("no reply: the worker is busy, or not connected, for %s", w.timeout)
	}
}

// ask gives the lane back when it has replied. One that has not is lost: its handler hangs.
func (w *Worker) ask(lane *zmq.Socket, request [][]byte) ([][]byte, error) {
	if _, err := lane.SendMessage(request); err != nil {
		return nil, fmt.Errorf("cannot send the request: %w", err)
	}
	reply, err := lane.RecvMessageBytes(0)
	if err != nil {
		return nil, fmt.Errorf("no reply within %s: %w", w.timeout, err)
	}
	w.lanes.idle <- lane
	if e := workerkit.ReplyError(reply); e != nil {
		return reply, e
	}
	return reply, nil
}
