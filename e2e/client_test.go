package e2e

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
)

// option sets something on a socket before it connects.
type option func(*zmq4.Socket) error

// connect makes a client. Its calls wait for patience at most; it is closed when the test ends.
func (f *fleet) connect(t *testing.T, kind zmq4.Type, opts ...option) *zmq4.Socket {
	t.Helper()
	return plug(t, kind, f.frontend, opts...)
}

func plug(t *testing.T, kind zmq4.Type, endpoint string, opts ...option) *zmq4.Socket {
	t.Helper()
	c, err := zmq4.NewSocket(kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	err = errors.Join(c.SetLinger(0), c.SetRcvtimeo(patience), c.SetSndtimeo(patience))
	for _, set := range opts {
		err = errors.Join(err, set(c))
	}
	if err := errors.Join(err, c.Connect(endpoint)); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c *zmq4.Socket, frames ...any) {
	t.Helper()
	if _, err := c.SendMessage(frames...); err != nil {
		t.Fatalf("cannot send: %v", err)
	}
}

// receive is the next reply. Frames of a DEALER begin with the delimiter.
func receive(t *testing.T, c *zmq4.Socket) []string {
	t.Helper()
	reply, err := c.RecvMessage(0)
	if err != nil {
		t.Fatalf("no reply: %v", err)
	}
	return reply
}

// expect takes the next reply and holds it against what it should be.
func expect(t *testing.T, c *zmq4.Socket, want ...string) {
	t.Helper()
	if got := receive(t, c); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("got %.200q, want %.200q", got, want)
	}
}

// errorReply is what the last frame of a reply says when it is an error.
type errorReply struct {
	Code, Message string
	Attempts      int
}

// failed is the error that a reply is.
func failed(t *testing.T, reply []string) (e errorReply) {
	t.Helper()
	var body struct{ Zfleet *errorReply }
	if len(reply) == 0 || json.Unmarshal([]byte(reply[len(reply)-1]), &body) != nil || body.Zfleet == nil {
		t.Fatalf("got %.200q, want an error reply", reply)
	}
	return *body.Zfleet
}

// disconnects counts the connections of a client that end. It is to be asked for before connect connects: as an option.
func disconnects(t *testing.T, ended chan<- struct{}) option {
	return func(c *zmq4.Socket) error {
		at := "inproc://" + strings.ReplaceAll(t.Name(), "/", "-") + "-" + itoa(int(time.Now().UnixNano()))
		if err := c.Monitor(at, zmq4.EVENT_DISCONNECTED); err != nil {
			return err
		}
		go watch(at, func() { ended <- struct{}{} })
		return nil
	}
}

// logged waits until the fleet has logged a line with all of these words.
func (f *fleet) logged(t *testing.T, words ...string) {
	t.Helper()
	await.Until(t, "a line of the log with "+strings.Join(words, ", "), func() bool { return f.logs(words...) > 0 })
}

// logs counts the lines of the log with all of these words.
func (f *fleet) logs(words ...string) (n int) {
	for line := range strings.Lines(f.log.String()) {
		has := true
		for _, w := range words {
			has = has && strings.Contains(line, w)
		}
		if has {
			n++
		}
	}
	return n
}

// open says whether the frontend takes connections.
func (f *fleet) open() bool {
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.frontend, "tcp://"))
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}
