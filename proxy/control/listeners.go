package control

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/internal/passfd"
)

// The ports, as EnvListeners names them too.
const (
	Frontend = "frontend"
	Backend  = "backend"
)

// Listener is one listening socket of a proxy: what it has from whoever started it, or has bound itself. The descriptor is a duplicate: the
// proxy goes on with its own, and connections wait for whoever accepts first.
type Listener struct {
	Port string `json:"port"` // Frontend or Backend
	endpoint.Handed
	FD int `json:"-"` // close-on-exec; of whoever got it. endpoint.FromFD and Handed.Open make a listener of it
}

const (
	maxListeners  = 16 << 20 // bytes of their description
	listenersTime = 10 * time.Second
)

// Listeners gives the proxy's listening sockets, frontend first, each port's in the order of its flags. The caller closes the descriptors.
func (c *Client) Listeners(ctx context.Context) ([]Listener, error) {
	conn, err := c.Upgrade(ctx, PathListeners, struct{}{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(listenersTime))
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	all, err := receiveListeners(conn)
	if err != nil {
		return nil, fmt.Errorf("cannot get the proxy's listeners: %w", err)
	}
	return all, nil
}

func receiveListeners(conn *net.UnixConn) (all []Listener, err error) {
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxListeners {
		return nil, fmt.Errorf("their description has %d bytes", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(conn, text); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	fds, err := passfd.Receive(conn, len(all))
	for i, fd := range fds {
		all[i].FD = fd
	}
	return all, err
}

// SendListeners is the proxy's side of Listeners. The descriptors stay open here.
func SendListeners(conn *net.UnixConn, all []Listener) error {
	_ = conn.SetDeadline(time.Now().Add(listenersTime))
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)); err != nil {
		return err
	}
	fds := make([]int, len(all))
	for i, l := range all {
		fds[i] = l.FD
	}
	return passfd.Send(conn, fds)
}
