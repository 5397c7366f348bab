package proxy

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// poller is an epoll set and the eventfd that other goroutines wake it with.
type poller struct {
	fd     int
	bell   int
	events []unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot create an epoll set: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot create an eventfd: %w", err)
	}
	p := &poller{fd: fd, bell: bell, events: make([]unix.EpollEvent, 256)}
	if err := p.add(bell, unix.EPOLLIN); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poller) add(fd int, events uint32) error {
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("cannot watch descriptor %d: %w", fd, err)
	}
	return nil
}

// modify changes what a descriptor in the set is watched for. It cannot fail for one that is.
func (p *poller) modify(fd int, events uint32) {
	_ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// remove takes a descriptor out of the set that stays open, here or in another process.
func (p *poller) remove(fd int) {
	_ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil)
}

// wait sleeps until something happened or for timeout; negative means for as long as it takes. It goes through the ordinary system call:
// the runtime must know that this thread sleeps.
func (p *poller) wait(timeout time.Duration) ([]unix.EpollEvent, error) {
	ms := -1
	if timeout >= 0 {
		ms = int((timeout + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(p.fd, p.events, ms)
	if err == unix.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot wait for events: %w", err)
	}
	return p.events[:n], nil
}

// ring wakes the loop. Any goroutine may call it.
func (p *poller) ring() {
	one := [8]byte{1} // the counter's value does not matter, but must not be zero
	_, _ = unix.Write(p.bell, one[:])
}

// silence makes the bell ready for the next ring.
func (p *poller) silence() {
	var count [8]byte
	_, _ = unix.Read(p.bell, count[:])
}

func (p *poller) close() {
	_ = unix.Close(p.bell)
	_ = unix.Close(p.fd)
}
