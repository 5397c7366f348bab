package control

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// ErrOther is the error of a client of one process, when another one listens at the socket.
var ErrOther = errors.New("another process listens at the control socket")

// DialProcess is Dial for the proxy with that pid alone: what another process answers at the same path is not taken for its answer.
func DialProcess(path string, pid int) *Client {
	return newClient(func(ctx context.Context) (net.Conn, error) {
		conn, cred, err := dialPeer(ctx, path)
		if err == nil && int(cred.Pid) != pid {
			return nil, errors.Join(fmt.Errorf("%w: pid %d, not %d", ErrOther, cred.Pid, pid), conn.Close())
		}
		return conn, err
	})
}

// Listening is who listens at a control socket, as the kernel knows it: SO_PEERCRED in unix(7). With ECONNREFUSED nobody does.
func Listening(ctx context.Context, path string) (unix.Ucred, error) {
	conn, cred, err := dialPeer(ctx, path)
	if err != nil {
		return cred, err
	}
	return cred, conn.Close()
}

func dialPeer(ctx context.Context, path string) (net.Conn, unix.Ucred, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, unix.Ucred{}, err
	}
	cred, err := peerOf(conn.(*net.UnixConn))
	if err != nil {
		return nil, cred, errors.Join(err, conn.Close())
	}
	return conn, cred, nil
}

func peerOf(conn *net.UnixConn) (cred unix.Ucred, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return cred, err
	}
	var of *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { of, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return cred, err
	}
	if credErr != nil {
		return cred, credErr
	}
	return *of, nil
}
