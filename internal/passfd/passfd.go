// Package passfd gives open descriptors to another process over a unix socket: SCM_RIGHTS of unix(7). Send and Receive are its two ends; both
// must agree beforehand on how many there are. The descriptors are duplicates, as those of dup(2) are: they share what they refer to, its
// flags too. What they are is left to others.
package passfd

import (
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const (
	atOnce    = 253 // in one message (SCM_MAX_FD in the kernel)
	crowdedBy = 2 * time.Second
)

// Send gives descriptors away, which stay open here. Each message has one byte, so that the receiver knows where in the stream it stands.
func Send(conn *net.UnixConn, fds []int) error {
	for len(fds) > 0 {
		n := min(len(fds), atOnce)
		if err := send(conn, unix.UnixRights(fds[:n]...)); err != nil {
			return fmt.Errorf("cannot send descriptors: %w", err)
		}
		fds = fds[n:]
	}
	return nil
}

// send waits while too many descriptors of this user are on their way (ETOOMANYREFS, unix(7)): that passes as they are received.
func send(conn *net.UnixConn, rights []byte) error {
	for end := time.Now().Add(crowdedBy); ; {
		_, _, err := conn.WriteMsgUnix([]byte{0}, rights, nil)
		if !errors.Is(err, unix.ETOOMANYREFS) || time.Now().After(end) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// Receive takes n descriptors, all or none. They are close-on-exec. It must be called where Send was in the stream: what was read with other
// calls before may not reach further.
func Receive(conn *net.UnixConn, n int) (fds []int, err error) {
	defer func() {
		if err != nil {
			CloseAll(fds)
			fds, err = nil, fmt.Errorf("cannot receive descriptors: %w", err)
		}
	}()
	oob := make([]byte, unix.CmsgSpace(4*atOnce))
	for len(fds) < n {
		got, err := receive(conn, oob)
		fds = append(fds, got...)
		if err != nil {
			return fds, err
		}
	}
	if len(fds) > n {
		return fds, errors.New("there are more than were said")
	}
	return fds, nil
}

// receive takes one message's. A net.UnixConn asks for MSG_CMSG_CLOEXEC.
func receive(conn *net.UnixConn, oob []byte) ([]int, error) {
	_, noob, flags, _, err := conn.ReadMsgUnix(make([]byte, 1), oob)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:noob])
	if err != nil {
		return nil, err
	}
	var fds []int
	for i := range messages {
		some, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return fds, err
		}
		fds = append(fds, some...)
	}
	switch {
	case flags&unix.MSG_CTRUNC != 0:
		return fds, fmt.Errorf("the limit of open files is reached: raise it (ulimit -n)")
	case len(fds) == 0:
		return nil, errors.New("a message came without any")
	}
	return fds, nil
}

// CloseAll closes descriptors that nobody has taken.
func CloseAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
