package workerkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	zmq "github.com/pebbe/zmq4"
)

// lane is one REP socket and the goroutine that owns it: receive, answer, send, one request at a time.
type lane struct {
	socket *zmq.Socket
	ready  *readable
}

func openLane(zctx *zmq.Context, b Backend, ts []target) (*lane, error) {
	s, err := openREP(zctx, b, ts)
	if err != nil {
		return nil, err
	}
	ready, err := newReadable(s)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &lane{socket: s, ready: ready}, nil
}

// run is the lane's goroutine. It tells ended exactly once, also when a handler calls runtime.Goexit.
func (l *lane) run(draining context.Context, answer func([][]byte) ([][]byte, bool), ended chan<- error) {
	err := errors.New("cannot go on: a handler ended its goroutine with runtime.Goexit")
	defer func() { ended <- errors.Join(err, l.close()) }()
	err = l.serve(draining, answer)
}

// serve answers requests until draining is done, or answer says that this one stays without a reply.
func (l *lane) serve(draining context.Context, answer func([][]byte) ([][]byte, bool)) error {
	defer context.AfterFunc(draining, l.ready.interrupt)()
	for draining.Err() == nil {
		request, err := l.receive()
		if errors.Is(err, os.ErrDeadlineExceeded) { // interrupted
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot receive a request: %w", err)
		}
		reply, ok := answer(request)
		if !ok {
			return nil
		}
		if _, err := l.socket.SendMessage(reply); err != nil {
			return fmt.Errorf("cannot send a reply: %w", err)
		}
	}
	return nil
}

// receive waits for a request. The socket holds more of them: what it holds at the end is the proxy's to give to another worker.
func (l *lane) receive() ([][]byte, error) {
	for {
		request, err := l.socket.RecvMessageBytes(zmq.DONTWAIT)
		if zmq.AsErrno(err) != zmq.Errno(syscall.EAGAIN) {
			return request, err
		}
		if err := l.ready.wait(); err != nil {
			return nil, err
		}
	}
}

// close closes the socket, which goes on sending what it was given for at most linger. It may be called again.
func (l *lane) close() error {
	err := l.ready.close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return errors.Join(err, l.socket.Close())
}
