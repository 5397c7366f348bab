package workerkit

import (
	"fmt"
	"os"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// readable waits for a ZeroMQ socket through Go's own poller, so that a lane that has nothing to do costs no thread and can be woken from
// another goroutine, which nothing in libzmq offers for a socket that somebody else owns.
type readable struct {
	socket *zmq.Socket
	file   *os.File // a duplicate of ZMQ_FD: the original is libzmq's to close
	conn   syscall.RawConn
}

func newReadable(s *zmq.Socket) (*readable, error) {
	fd, err := s.GetFd()
	if err != nil {
		return nil, fmt.Errorf("cannot get the socket's ZMQ_FD: %w", err)
	}
	fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot duplicate the socket's ZMQ_FD: %w", err)
	}
	file := os.NewFile(uintptr(fd), "zmq")
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("cannot poll the socket's ZMQ_FD: %w", err)
	}
	conn, err := file.SyscallConn()
	return &readable{s, file, conn}, err
}

// wait returns when the socket has a message, or with os.ErrDeadlineExceeded after interrupt. ZMQ_FD signals edges and says nothing about
// which: what counts is ZMQ_EVENTS, asked before every sleep (zmq_getsockopt(3), ZMQ_FD).
func (r *readable) wait() error {
	var state error
	err := r.conn.Read(func(uintptr) bool {
		events, err := r.socket.GetEvents()
		state = err
		return err != nil || events&zmq.POLLIN != 0
	})
	if err != nil {
		return err
	}
	return state
}

// interrupt ends wait, now and for good. Any goroutine may call it, also after close.
func (r *readable) interrupt() { _ = r.file.SetReadDeadline(time.Unix(1, 0)) }

func (r *readable) close() error { return r.file.Close() }
