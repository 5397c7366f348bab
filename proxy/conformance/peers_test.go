package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// peers makes the real libzmq sockets of one test. A socket belongs to one goroutine: the test's own, or a worker's.
type peers struct {
	t   tester
	ctx *zmq4.Context
}

func newPeers(t tester) *peers {
	t.Helper()
	ctx, err := zmq4.NewContext()
	must(t, err)
	t.Cleanup(func() { must(t, ctx.Term()) })
	return &peers{t, ctx}
}

// option sets something on a socket before it connects.
type option func(*zmq4.Socket) error

// connect makes a socket for the test's own goroutine, connected to every endpoint, closed when the test ends. Its calls wait for
// patience at most.
func (p *peers) connect(kind zmq4.Type, endpoint string, opts ...option) *zmq4.Socket {
	p.t.Helper()
	soc := p.socket(kind, opts...)
	p.t.Cleanup(func() { must(p.t, soc.Close()) })
	must(p.t, soc.Connect(endpoint))
	return soc
}

func (p *peers) socket(kind zmq4.Type, opts ...option) *zmq4.Socket {
	p.t.Helper()
	soc, err := p.ctx.NewSocket(kind)
	must(p.t, err)
	must(p.t, errors.Join(soc.SetLinger(0), soc.SetSndhwm(0), soc.SetRcvhwm(0), soc.SetIpv6(true)))
	must(p.t, errors.Join(soc.SetRcvtimeo(patience), soc.SetSndtimeo(patience)))
	for _, o := range opts {
		must(p.t, o(soc))
	}
	return soc
}

// handler is what a worker does with one message: for a REP, the request's body to the reply's.
type handler func(message [][]byte) [][]byte

func echo(message [][]byte) [][]byte { return message }

// hold keeps a handler until the gate is opened, or the test is over: a worker that is held for ever could not leave.
func hold(t *testing.T, gate <-chan struct{}) {
	select {
	case <-gate:
	case <-t.Context().Done():
	}
}

// worker is a goroutine with one connected libzmq socket that answers until it is told to leave or the test ends.
type worker struct {
	soc  *zmq4.Socket
	do   handler
	quit chan struct{}
	gone chan struct{}
	once sync.Once
}

// rep starts a REP worker.
func (p *peers) rep(endpoint string, do handler, opts ...option) *worker {
	p.t.Helper()
	return p.work(zmq4.REP, endpoint, do, opts...)
}

// work starts a worker of any kind of socket; a DEALER or a ROUTER hands its handler the envelope too.
func (p *peers) work(kind zmq4.Type, endpoint string, do handler, opts ...option) *worker {
	p.t.Helper()
	w := &worker{soc: p.socket(kind, opts...), do: do, quit: make(chan struct{}), gone: make(chan struct{})}
	must(p.t, w.soc.SetRcvtimeo(10*time.Millisecond)) // how often it looks whether to leave
	must(p.t, w.soc.Connect(endpoint))
	go w.run()
	p.t.Cleanup(w.leave)
	return w
}

func (w *worker) run() {
	defer close(w.gone)
	defer func() { _ = w.soc.Close() }()
	for {
		message, err := w.soc.RecvMessageBytes(0)
		switch {
		case err == nil:
			if _, err := w.soc.SendMessage(w.do(message)); err != nil {
				return
			}
		case zmq4.AsErrno(err) != zmq4.Errno(syscall.EAGAIN):
			return
		}
		select {
		case <-w.quit:
			return
		default:
		}
	}
}

// leave closes the worker's socket between two requests. What was sent to it and not read by it is lost, as with any REP.
func (w *worker) leave() {
	w.once.Do(func() { close(w.quit) })
	<-w.gone
}

// ask sends a request and gives back its reply.
func ask(t tester, soc *zmq4.Socket, parts ...any) [][]byte {
	t.Helper()
	send(t, soc, parts...)
	return recv(t, soc)
}

func send(t tester, soc *zmq4.Socket, parts ...any) {
	t.Helper()
	if _, err := soc.SendMessage(parts...); err != nil {
		t.Fatalf("cannot send a message: %v", err)
	}
}

func recv(t tester, soc *zmq4.Socket) [][]byte {
	t.Helper()
	reply, err := soc.RecvMessageBytes(0)
	if err != nil {
		t.Fatalf("no reply: %v", err)
	}
	return reply
}

// expect compares a message with what it should be, frame by frame.
func expect(t tester, got [][]byte, want ...string) {
	t.Helper()
	if !equal(got, frames(want...)) {
		t.Fatalf("got %s, want %s", show(got), show(frames(want...)))
	}
}

func frames(parts ...string) [][]byte {
	out := make([][]byte, len(parts))
	for i, s := range parts {
		out[i] = []byte(s)
	}
	return out
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// show prints a message so that a failure can be read: sizes, and the beginning of each of the first frames.
func show(message [][]byte) string {
	s := fmt.Sprintf("%d frames", len(message))
	for _, f := range message[:min(len(message), 6)] {
		s += fmt.Sprintf(" [%d: %.24q]", len(f), f)
	}
	return s
}

func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
