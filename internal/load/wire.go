package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// sockets is a gang's clients on libzmq. zmq_poll looks at every socket each time, so they are waited for by their ZMQ_FDs in one epoll set.
// Such a descriptor tells of changes only (zmq_getsockopt(3), ZMQ_FD): a socket is read until it has nothing more, also after something was
// sent, because a send may take notice of what came.
type sockets struct {
	kind    zmq4.Type
	clients []*zmq4.Socket
	asked   []number // by a REQ, which has one request under way
	dirty   []bool   // clients that have sent something, or have more to read, since they were last found empty
	touched []int    // all that are dirty, and some that were
	reading []int    // those of the turn under way
	poll    int
	timer   int // a timerfd: epoll's own timeout is in milliseconds
	events  []unix.EpollEvent
}

// connect makes so many clients.
func connect(zctx *zmq4.Context, opts Options, clients int) (*sockets, error) {
	s := &sockets{kind: zmq4.DEALER, asked: make([]number, clients), dirty: make([]bool, clients),
		events: make([]unix.EpollEvent, 256)}
	if opts.Rate == 0 && opts.Outstanding == 1 {
		s.kind = zmq4.REQ
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("cannot wait for sockets: %w", err)
	}
	for range clients {
		if err := s.add(zctx, opts.Endpoint); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot make client %d: %w", len(s.clients)+1, err), s.close())
		}
	}
	return s, nil
}

func (s *sockets) open() (err error) {
	if s.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return errors.Join(err, unix.Close(s.poll))
	}
	return s.watch(s.timer, -1)
}

// watch adds a descriptor to the set; its events carry the index of the client.
func (s *sockets) watch(fd, client int) error {
	return unix.EpollCtl(s.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(client)})
}

func (s *sockets) add(zctx *zmq4.Context, endpoint string) error {
	socket, err := zctx.NewSocket(s.kind)
	if err != nil {
		return err
	}
	s.clients = append(s.clients, socket)
	// Without high-water marks nothing is dropped here and no send waits: what is not taken counts as latency.
	err = errors.Join(socket.SetLinger(0), socket.SetIpv6(true), socket.SetSndhwm(0), socket.SetRcvhwm(0), socket.Connect(endpoint))
	if err != nil {
		return err
	}
	fd, err := socket.GetFd()
	if err != nil {
		return err
	}
	return s.watch(fd, len(s.clients)-1)
}

// send puts the number in front of the envelope's delimiter. A REQ makes its own envelope and knows its request.
func (s *sockets) send(client int, n number, payload []byte) error {
	socket := s.clients[client]
	s.touch(client)
	if s.kind == zmq4.REQ {
		s.asked[client] = n
		_, err := socket.SendBytes(payload, zmq4.DONTWAIT)
		return err
	}
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(n))
	if _, err := socket.SendBytes(id[:], zmq4.DONTWAIT|zmq4.SNDMORE); err != nil {
		return err
	}
	if _, err := socket.SendBytes(nil, zmq4.DONTWAIT|zmq4.SNDMORE); err != nil {
		return err
	}
	_, err := socket.SendBytes(payload, zmq4.DONTWAIT)
	return err
}

// wait sleeps until something has come and reads it. It does not sleep when there may be something already.
func (s *sockets) wait(long time.Duration, got func(int, number, [][]byte)) error {
	if len(s.touched) > 0 {
		return s.readTouched(got)
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(long, 1)))}
	if err := unix.TimerfdSettime(s.timer, 0, &spec, nil); err != nil {
		return fmt.Errorf("cannot set a timer: %w", err)
	}
	n, err := unix.EpollWait(s.poll, s.events, -1)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("cannot wait for replies: %w", err)
	}
	for _, e := range s.events[:max(n, 0)] {
		if e.Fd < 0 {
			continue // the timer, which is set anew before the next sleep
		}
		if err := s.read(int(e.Fd), got); err != nil {
			return err
		}
	}
	return nil
}

func (s *sockets) touch(client int) {
	if !s.dirty[client] {
		s.dirty[client] = true
		s.touched = append(s.touched, client)
	}
}

// readTouched reads those that are dirty.
func (s *sockets) readTouched(got func(int, number, [][]byte)) error {
	s.touched, s.reading = s.reading[:0], s.touched
	for _, client := range s.reading {
		if !s.dirty[client] {
			continue
		}
		if err := s.read(client, got); err != nil {
			return err
		}
	}
	return nil
}

// readAtOnce is how many replies of one client are read before the next has its turn.
const readAtOnce = 64

// read takes the replies of one client until it is empty. What is left of many is read in the next turn.
func (s *sockets) read(client int, got func(int, number, [][]byte)) error {
	for range readAtOnce {
		reply, err := s.clients[client].RecvMessageBytes(zmq4.DONTWAIT)
		switch zmq4.AsErrno(err) {
		case zmq4.Errno(syscall.EAGAIN):
			s.dirty[client] = false
			return nil
		case zmq4.EFSM: // a REQ that has not asked: it must still take notice of what woke it
			s.dirty[client] = false
			_, err = s.clients[client].GetEvents()
			return err
		}
		if err != nil {
			return fmt.Errorf("cannot receive a reply: %w", err)
		}
		n, body := s.whose(client, reply)
		got(client, n, body)
	}
	s.dirty[client] = true
	s.touched = append(s.touched, client)
	return nil
}

// whose takes the number off a reply; 0 when there is none.
func (s *sockets) whose(client int, reply [][]byte) (number, [][]byte) {
	if s.kind == zmq4.REQ {
		return s.asked[client], reply
	}
	if len(reply) < 3 || len(reply[0]) != 8 || len(reply[1]) != 0 {
		return 0, nil
	}
	return number(binary.BigEndian.Uint64(reply[0])), reply[2:]
}

// close ends all clients and forgets what they have not sent.
func (s *sockets) close() (err error) {
	for _, socket := range s.clients {
		err = errors.Join(err, socket.Close())
	}
	return errors.Join(err, unix.Close(s.timer), unix.Close(s.poll))
}
