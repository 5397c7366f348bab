package proxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/zfleet/zfleet/internal/endpoint"
)

// controlSocket is the listening control socket. One that is to replace another proxy's has a name of its own until then.
type controlSocket struct {
	socket *endpoint.Listener
	ln     net.Listener
	path   string // where it is to be
}

// openControl listens on the control socket, if there is to be one. Replaced is the path of the socket of a proxy that is taken over from,
// or "".
func (p *Proxy) openControl(replaced string) error {
	if p.opts.Control == "" {
		return nil
	}
	at := p.opts.Control
	if replaced != "" && sameFile(at, replaced) {
		at = filepath.Join(filepath.Dir(at), ".zf"+strconv.Itoa(os.Getpid()))
	}
	socket, err := (endpoint.Endpoint{Transport: endpoint.IPC, Path: at}).Listen()
	if err != nil {
		return err
	}
	ln, err := net.FileListener(socket.File())
	if err == nil {
		err = os.Chmod(at, 0o600)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot serve the control socket: %w", err), socket.Close())
	}
	p.control = &controlSocket{socket, ln, p.opts.Control}
	return nil
}

func sameFile(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

// replace puts the socket where it is to be.
func (c *controlSocket) replace() error {
	if c.socket.Bound().Path == c.path {
		return nil
	}
	return c.socket.Rename(c.path)
}

// close is for a socket that nobody serves.
func (c *controlSocket) close() error { return errors.Join(c.socket.Close(), c.ln.Close()) }
