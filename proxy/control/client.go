package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// The paths.
const (
	PathSnapshot = "/v1/snapshot"
	PathLines    = "/v1/lines"
	PathEvents   = "/v1/events"
	PathName     = "/v1/name"
	PathDrain    = "/v1/drain"
	PathHold     = "/v1/hold"
	PathQuiesce  = "/v1/quiesce"
	PathExit     = "/v1/exit"

	PathListeners = "/v1/listeners"
	PathHandover  = "/v1/handover"
)

// Error is the body of every answer that is not 200.
type Error struct {
	Message string `json:"error"`
}

// Client asks one proxy. It may be used by several goroutines.
type Client struct {
	dial func(context.Context) (net.Conn, error)
	http *http.Client
}

// Dial returns a client of the proxy whose control socket is at path. It connects when it is first used, and anew when it has to.
func Dial(path string) *Client {
	return newClient(func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "unix", path) })
}

func newClient(dial func(context.Context) (net.Conn, error)) *Client {
	dialHTTP := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	return &Client{dial: dial, http: &http.Client{Transport: &http.Transport{DialContext: dialHTTP}}}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Snapshot is the proxy as it is now.
func (c *Client) Snapshot(ctx context.Context) (s Snapshot, err error) {
	err = c.call(ctx, http.MethodGet, PathSnapshot, nil, &s)
	return s, err
}

// Lines are the last ones of its log that it could not write.
func (c *Client) Lines(ctx context.Context) (l Lines, err error) {
	err = c.call(ctx, http.MethodGet, PathLines, nil, &l)
	return l, err
}

// Name tells which worker a lane belongs to.
func (c *Client) Name(ctx context.Context, lane uint64, worker string) error {
	return c.call(ctx, http.MethodPost, PathName, Name{lane, worker}, nil)
}

// Drain gives a worker nothing new, and returns when it holds nothing.
func (c *Client) Drain(ctx context.Context, worker string) error {
	return c.call(ctx, http.MethodPost, PathDrain, Drain{worker}, nil)
}

// Hold gives these workers nothing new, and all others requests again, but for those that are being drained.
func (c *Client) Hold(ctx context.Context, workers []string) error {
	return c.call(ctx, http.MethodPost, PathHold, Hold{workers}, nil)
}

// Exited tells how a worker's process ended.
func (c *Client) Exited(ctx context.Context, e Exit) error {
	return c.call(ctx, http.MethodPost, PathExit, e, nil)
}

// Quiesce lets no new requests in, and returns when all are answered.
func (c *Client) Quiesce(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, PathQuiesce, struct{}{}, nil)
}

// Events calls tell with each event until ctx ends or the proxy is gone; it always returns an error. It begins with a LaneUp for each
// lane that is up.
func (c *Client) Events(ctx context.Context, tell func(Event)) error {
	resp, err := c.do(ctx, http.MethodGet, PathEvents, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	decoder := json.NewDecoder(resp.Body)
	for {
		var e Event
		if err := decoder.Decode(&e); err != nil {
			return fmt.Errorf("cannot follow the proxy's events: %w", err)
		}
		tell(e)
	}
}

// call asks and reads the whole answer.
func (c *Client) call(ctx context.Context, method, path string, body, answer any) error {
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if answer == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	} else {
		err = json.NewDecoder(resp.Body).Decode(answer)
	}
	if err != nil {
		return fmt.Errorf("cannot read the proxy's answer to %s: %w", path, err)
	}
	return nil
}

// do asks; an answer other than 200 is an error with the proxy's words.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://proxy"+path, &payload)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the proxy: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	return nil, refusal(path, resp)
}

// refusal is the proxy's words in an answer that is not what was asked for.
func refusal(path string, resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }()
	var refused Error
	if err := json.NewDecoder(resp.Body).Decode(&refused); err != nil {
		return fmt.Errorf("cannot read the proxy's answer to %s: %s", path, resp.Status)
	}
	return errors.New(refused.Message)
}
