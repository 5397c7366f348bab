package workerkit_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/workerkit"
)

func TestDrainFinishesWhatWasReceivedAndNothingElse(t *testing.T) {
	h := newHub(t, ipc(t))
	var calls atomic.Int32
	received, finish := make(chan struct{}), make(chan struct{})
	w := run(t, h.endpoint, func(_ context.Context, req [][]byte) ([][]byte, error) {
		if calls.Add(1) == 1 {
			close(received)
			<-finish
		}
		return req, nil
	})
	first := h.send([]byte("first"))
	for range 50 { // they wait in the worker's socket
		h.send([]byte("more"))
	}
	<-received
	w.drain()
	close(finish)
	must(t, w.wait())
	h.expect(first, []byte("first"))
	h.expectNothing()
	if calls.Load() != 1 {
		t.Fatalf("the handler was called %d times", calls.Load())
	}
}

func TestDrainSendsALargeReplyWhole(t *testing.T) {
	h := newHub(t, "tcp://127.0.0.1:*")
	big := []byte(strings.Repeat("reply ", 4<<20)) // 24 MiB: more than any socket buffer
	received := make(chan struct{})
	w := run(t, h.endpoint, func(context.Context, [][]byte) ([][]byte, error) {
		close(received)
		return [][]byte{big}, nil
	})
	token := h.send([]byte("x"))
	<-received
	w.drain()
	must(t, w.wait())
	h.expect(token, big)
}

func TestDrainOfAnIdleWorkerIsQuick(t *testing.T) {
	h := newHub(t, ipc(t))
	w := run(t, h.endpoint, script, workerkit.Concurrency(8))
	h.expect(h.send([]byte("x")), []byte("x"))
	began := time.Now()
	w.drain()
	must(t, w.wait())
	if took := time.Since(began); took > 2*time.Second {
		t.Fatalf("it took %s", took)
	}
}

// The reply to a backend that is gone stays in the socket. The worker does not wait for the backend to come back for longer than it must.
func TestDrainDoesNotWaitForABackendThatIsGone(t *testing.T) {
	t.Parallel() // it waits for as long as a reply may linger
	h := newHub(t, ipc(t))
	between, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = between.Close() }()
	received, finish := make(chan struct{}), make(chan struct{})
	w := run(t, "tcp://"+between.Addr().String(), func(_ context.Context, req [][]byte) ([][]byte, error) {
		close(received)
		<-finish
		return req, nil
	})
	cut := connect(t, between, strings.TrimPrefix(h.endpoint, "ipc://"))
	h.send([]byte("x"))
	<-received
	cut()
	again, err := between.Accept() // so it has noticed
	must(t, err)
	defer func() { _ = again.Close() }()
	w.drain()
	close(finish)
	began := time.Now()
	must(t, w.wait())
	if took := time.Since(began); took < time.Second {
		t.Errorf("it gave the reply up after %s", took)
	}
}

// connect connects a worker that comes to between with the hub at path, and returns what cuts it off.
func connect(t *testing.T, between net.Listener, path string) func() {
	t.Helper()
	worker, err := between.Accept()
	must(t, err)
	hub, err := net.Dial("unix", path)
	must(t, err)
	go func() { _, _ = io.Copy(hub, worker) }()
	go func() { _, _ = io.Copy(worker, hub) }()
	return func() { _, _ = worker.Close(), hub.Close() }
}

func TestDrainEndsASetup(t *testing.T) {
	began := make(chan struct{})
	w := run(t, ipc(t), script, workerkit.Setup(func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}))
	<-began
	w.drain()
	must(t, w.wait())
}

func TestASetupThatFailsBecauseOfADrainIsNoFailure(t *testing.T) {
	for range 50 { // the failure and the drain race
		ctx, drain := context.WithCancel(context.Background())
		err := workerkit.Run(ctx, workerkit.HandlerFunc(script), workerkit.Backend{}, workerkit.Setup(func(context.Context) error {
			drain()
			return errors.New("cut short")
		}))
		must(t, err)
	}
}

func TestGraceOver(t *testing.T) {
	h := newHub(t, ipc(t))
	var received sync.WaitGroup
	received.Add(2)
	w := run(t, h.endpoint, func(ctx context.Context, req [][]byte) ([][]byte, error) {
		received.Done()
		<-ctx.Done()
		if string(req[0]) == "done anyway" {
			return req, nil
		}
		return nil, errors.New("given up")
	}, workerkit.Concurrency(2), workerkit.ShutdownGrace(20*time.Millisecond))
	h.awaitLanes(2)
	h.send([]byte("give up"))
	anyway := h.send([]byte("done anyway"))
	received.Wait()
	w.drain()
	if err := w.wait(); err == nil || err.Error() != "cannot finish the requests under way: the grace of 20ms is over" {
		t.Fatalf("got %v", err)
	}
	h.expect(anyway, []byte("done anyway"))
	h.expectNothing() // what was given up is another worker's
}

func TestAGraceThatIsNotOverEndsNothing(t *testing.T) {
	h := newHub(t, ipc(t))
	received := make(chan struct{})
	w := run(t, h.endpoint, func(ctx context.Context, req [][]byte) ([][]byte, error) {
		close(received)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
			return req, nil
		}
	})
	token := h.send([]byte("x"))
	<-received
	w.drain()
	must(t, w.wait())
	h.expect(token, []byte("x"))
}

func TestTeardown(t *testing.T) {
	h := newHub(t, ipc(t))
	var events []string
	note := func(event string, err error) func(context.Context) error {
		return func(context.Context) error { events = append(events, event); return err }
	}
	w := run(t, h.endpoint, func(_ context.Context, req [][]byte) ([][]byte, error) {
		events = append(events, "request")
		return req, nil
	}, workerkit.Setup(note("setup", nil)), workerkit.Teardown(note("teardown", errors.New("disk full"))))
	h.expect(h.send([]byte("x")), []byte("x"))
	w.drain()
	if err := w.wait(); err == nil || err.Error() != "cannot tear down: disk full" {
		t.Errorf("got %v", err)
	}
	if got := strings.Join(events, " "); got != "setup request teardown" {
		t.Errorf("got %s", got)
	}
}

func TestNoTeardownWithoutASetup(t *testing.T) {
	fails := func(context.Context) error { return errors.New("no model") }
	torn := func(context.Context) error { t.Error("torn down"); return nil }
	w := run(t, ipc(t), script, workerkit.Setup(fails), workerkit.Teardown(torn))
	if err := w.wait(); err == nil || err.Error() != "cannot set up: no model" {
		t.Errorf("got %v", err)
	}
}

// A REP socket drops a reply when the pipe to its peer is full, unless the pipe has no limit.
func TestNoReplyIsDroppedWhenTheProxyReadsSlowly(t *testing.T) {
	h := newHub(t, ipc(t), func(s *zmq.Socket) error { return s.SetRcvhwm(1) })
	const requests = 1500
	var calls atomic.Int32
	reply := make([]byte, 8<<10)
	run(t, h.endpoint, func(context.Context, [][]byte) ([][]byte, error) {
		calls.Add(1)
		return [][]byte{reply}, nil
	})
	for range requests {
		h.send([]byte("x"))
	}
	await.Until(t, "all to be handled", func() bool { return calls.Load() == requests })
	for range requests {
		h.receive()
	}
}
