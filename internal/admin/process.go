package admin

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Process is the process behind a socket. It is held by a pidfd, so that its pid cannot come to mean another process.
type Process struct {
	Pid    int
	client *Client
	fd     int // -1: the kernel gives none; then the socket is looked at instead
}

// Process finds who listens at the socket. Close it.
func (c *Client) Process(ctx context.Context) (*Process, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	cred, err := peer(conn)
	if err != nil {
		return nil, err
	}
	fd, err := unix.PidfdOpen(int(cred.Pid), 0)
	if err != nil {
		fd = -1 // another pid namespace, or a sandbox that does not know the call
	}
	return &Process{Pid: int(cred.Pid), client: c, fd: fd}, nil
}

// Close lets go of the process.
func (p *Process) Close() {
	if p.fd >= 0 {
		_ = unix.Close(p.fd)
	}
}

// look is how often a wait looks at its context, and at the socket where there is no pidfd.
const look = 50 * time.Millisecond

// WaitGone returns when the process has ended, or with the context's error.
func (p *Process) WaitGone(ctx context.Context) error {
	for {
		gone, err := p.goneWithin(ctx, look)
		if gone || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// A pidfd is readable once its process has ended: pidfd_open(2).
func (p *Process) goneWithin(ctx context.Context, d time.Duration) (bool, error) {
	if p.fd < 0 {
		return p.socketGone(ctx, d)
	}
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(d.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		err = nil
	}
	return n > 0, err
}

func (p *Process) socketGone(ctx context.Context, d time.Duration) (bool, error) {
	conn, err := p.client.dial(ctx)
	var none *NoFleet
	if errors.As(err, &none) {
		return true, nil
	}
	if err == nil {
		_ = conn.Close()
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return false, nil
}
