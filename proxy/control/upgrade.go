package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Protocol is what an upgraded connection speaks: what the path says, with descriptors in it.
const Protocol = "zfleet-proxy"

// Begin is the byte that the asker sends when it has read the answer to its request, and nothing more: descriptors can only be read with
// what they were sent with.
const Begin = 'B'

const maxAsked = 1 << 20 // bytes of the body

// answerTime is how long a proxy may take to agree.
const answerTime = 10 * time.Second

// Upgrade asks with a JSON body for a connection of its own, and begins it. The caller closes it.
func (c *Client) Upgrade(ctx context.Context, path string, body any) (_ *net.UnixConn, err error) {
	dialed, err := c.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the proxy: %w", err)
	}
	conn := dialed.(*net.UnixConn)
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := upgrade(conn, path, body); err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

func upgrade(conn net.Conn, path string, body any) error {
	payload, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://proxy"+path, bytes.NewReader(payload))
	if err != nil {
		return err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", Protocol)
	if err := req.Write(conn); err != nil {
		return fmt.Errorf("cannot ask the proxy: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return fmt.Errorf("cannot read the proxy's answer to %s: %w", path, err)
	}
	if resp.StatusCode == http.StatusNotFound {
		return fmt.Errorf("cannot ask the proxy for %s: it is of a release that does not know it", path)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return refusal(path, resp)
	}
	if _, err := conn.Write([]byte{Begin}); err != nil {
		return fmt.Errorf("cannot ask the proxy: %w", err)
	}
	return nil
}

// Accepted is the proxy's side of Upgrade, once it has read what it wants of the body: it takes the connection over from the server and
// returns it when the asker has begun. The caller closes it.
func Accepted(w http.ResponseWriter, r *http.Request) (*net.UnixConn, error) {
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxAsked)); err != nil {
		return nil, err
	}
	hijacked, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	conn, ok := hijacked.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("cannot send descriptors over %s: close the connection: %w", hijacked.LocalAddr().Network(), hijacked.Close())
	}
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", Protocol)
	if err == nil {
		err = begun(buffered)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

func begun(r io.ByteReader) error {
	begin, err := r.ReadByte()
	if err == nil && begin != Begin {
		err = fmt.Errorf("the asker begins with %q", begin)
	}
	return err
}
