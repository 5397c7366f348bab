package admin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"golang.org/x/sys/unix"
)

// peer is who is at the other end of a unix socket, as the kernel knows it: SO_PEERCRED, unix(7). For a client it is the process that
// listens.
func peer(conn net.Conn) (*unix.Ucred, error) {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil {
		return nil, err
	}
	return cred, credErr
}

// trusted is who may command a fleet, and whom a command believes: the same user, or root.
func trusted(uid uint32) bool { return int(uid) == os.Geteuid() || uid == 0 }

type peerKey struct{}

func withPeer(ctx context.Context, conn net.Conn) context.Context {
	cred, err := peer(conn)
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, cred)
}

// checkPeer asks the kernel's word, not the file's mode: a socket may be handed on, or lie in a folder that others can enter.
func checkPeer(r *http.Request) error {
	cred, ok := r.Context().Value(peerKey{}).(*unix.Ucred)
	if !ok {
		return Errorf(CodeForbidden, "cannot tell who is asking")
	}
	if !trusted(cred.Uid) {
		return Errorf(CodeForbidden, "user %d may not command this fleet, which belongs to user %d", cred.Uid, os.Geteuid())
	}
	return nil
}

// asker is who asks, in words, of a request whose peer was checked.
func asker(r *http.Request) string {
	cred, _ := r.Context().Value(peerKey{}).(*unix.Ucred)
	return fmt.Sprintf("uid %d (pid %d)", cred.Uid, cred.Pid)
}

func checkServer(conn net.Conn) error {
	cred, err := peer(conn)
	if err != nil {
		return fmt.Errorf("cannot tell who listens: %w", err)
	}
	if !trusted(cred.Uid) && os.Geteuid() != 0 {
		return fmt.Errorf("the process that listens belongs to user %d", cred.Uid)
	}
	return nil
}
