package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// maxAnswer is far more than the status of the largest fleet that one machine can hold.
const maxAnswer = 256 << 20

// Client talks to the fleet at one socket. Its errors are [NoFleet], an [Error] as the fleet answered it, or say what the matter is with
// the socket. Calls other than Settled and Rolled end after ten seconds, all end with their context.
type Client struct {
	Fleet     string               // its name for error messages, where it is known
	File      string               // the fleet file that the caller asked for, for error messages too
	OnVersion func(version string) // told the daemon's version with every answer

	socket string
	http   http.Client
}

// NewClient makes a client; nothing is dialled yet.
func NewClient(socket string) *Client {
	c := &Client{socket: socket}
	c.http.Transport = &http.Transport{DialContext: c.dialHTTP}
	return c
}

// Socket is the path that the client dials.
func (c *Client) Socket() string { return c.socket }

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks what the fleet is doing.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return soon[Status](ctx, c, http.MethodGet, "/v1/fleet", nil)
}

// Scale changes how many workers are wanted.
func (c *Client) Scale(ctx context.Context, req ScaleRequest) (ScaleReply, error) {
	return soon[ScaleReply](ctx, c, http.MethodPost, "/v1/scale", req)
}

// Settled waits until a service has what is wanted, or all have when service is "".
func (c *Client) Settled(ctx context.Context, service string) (Status, error) {
	path := "/v1/settled"
	if service != "" {
		path += "?service=" + url.QueryEscape(service)
	}
	return call[Status](ctx, c, http.MethodGet, path, nil)
}

// Restart asks for rolling restarts, or says how they go on.
func (c *Client) Restart(ctx context.Context, req RestartRequest) (RestartReply, error) {
	return soon[RestartReply](ctx, c, http.MethodPost, "/v1/restart", req)
}

// Rolled waits until a service's rolling restart is over, or frozen; with the number of one that is not 0, also until that one was undone.
func (c *Client) Rolled(ctx context.Context, service string, number int) (Roll, error) {
	path := "/v1/rolled?service=" + url.QueryEscape(service) + "&roll=" + strconv.Itoa(number)
	return call[Roll](ctx, c, http.MethodGet, path, nil)
}

// Upgrade has new proxies take over.
func (c *Client) Upgrade(ctx context.Context, req UpgradeRequest) (UpgradeReply, error) {
	return soon[UpgradeReply](ctx, c, http.MethodPost, "/v1/upgrade", req)
}

// Upgraded waits until a service's proxy is not being replaced any more.
func (c *Client) Upgraded(ctx context.Context, service string) (Upgrade, error) {
	return call[Upgrade](ctx, c, http.MethodGet, "/v1/upgraded?service="+url.QueryEscape(service), nil)
}

// Reload has the fleet become what its file says now.
func (c *Client) Reload(ctx context.Context, req ReloadRequest) (ReloadReply, error) {
	return soon[ReloadReply](ctx, c, http.MethodPost, "/v1/reload", req)
}

// Down tells the fleet to end and does not wait for it.
func (c *Client) Down(ctx context.Context, req DownRequest) error {
	_, err := soon[struct{}](ctx, c, http.MethodPost, "/v1/down", req)
	return err
}

// Version asks who answers.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return soon[Version](ctx, c, http.MethodGet, "/v1/version", nil)
}

func (c *Client) dialHTTP(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, &dialError{err}
	}
	return conn, nil
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", c.socket)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return nil, &NoFleet{Fleet: c.Fleet, File: c.File, Socket: c.socket}
	case errors.Is(err, unix.EACCES):
		return nil, fmt.Errorf("this user may not open socket %s", c.socket)
	case err != nil:
		return nil, fmt.Errorf("cannot connect to socket %s: %w", c.socket, reason(err))
	}
	if err := checkServer(conn); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot trust socket %s: %w", c.socket, err), conn.Close())
	}
	return conn, nil
}

var errSlow = fmt.Errorf("the fleet does not answer its admin socket for %v", answerIn+time.Second)

// soon calls with a deadline just after the server's own.
func soon[T any](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerIn+time.Second, errSlow)
	defer cancel()
	value, err := call[T](ctx, c, method, path, in)
	if err != nil && errors.Is(context.Cause(ctx), errSlow) {
		return value, errSlow
	}
	return value, err
}

func call[T any](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	var out T
	resp, err := c.do(ctx, method, path, in)
	if err != nil {
		return out, err
	}
	defer func() { _ = resp.Body.Close() }()
	if c.OnVersion != nil {
		c.OnVersion(resp.Header.Get(versionField))
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return out, fmt.Errorf("cannot read the fleet's answer: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return out, refused(resp.StatusCode, text)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return out, fmt.Errorf("cannot read the fleet's answer: %w", err)
	}
	return out, nil
}

// The host is not looked at by anyone; HTTP wants one.
func (c *Client) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://zfleet"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	return resp, nil
}

// net/http puts Get "http://zfleet/v1/fleet" before every error, which names nothing that a user knows. What is left is an error of
// dial, the context's, or a connection that broke, for which net/http has many words.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var dialled *dialError
	switch {
	case errors.As(err, &dialled):
		return dialled.error
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("the fleet ended before it answered (%w)", err)
}

type dialError struct{ error }

func refused(status int, text []byte) error {
	var body struct{ Error *Error }
	if err := json.Unmarshal(text, &body); err != nil || body.Error == nil {
		return fmt.Errorf("cannot read the fleet's answer: status %d", status)
	}
	body.Error.Status = status
	return body.Error
}
