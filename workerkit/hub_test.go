package workerkit_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/workerkit"
)

// patience is how long a test waits for what must happen.
const patience = 15 * time.Second

// hub is the DEALER port of a proxy, played by the test. Requests carry a token in front of the envelope, as zfleet's do.
type hub struct {
	t        *testing.T
	socket   *zmq.Socket
	monitor  *zmq.Socket
	endpoint string
	tokens   int
}

// newHub binds a DEALER; prepare sets options before.
func newHub(t *testing.T, endpoint string, prepare ...func(*zmq.Socket) error) *hub {
	t.Helper()
	s, err := zmq.NewSocket(zmq.DEALER)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, s.SetLinger(0))
	must(t, s.SetRcvtimeo(patience))
	must(t, s.SetSndtimeo(patience))
	for _, p := range prepare {
		must(t, p(s))
	}
	monitor := watch(t, s)
	must(t, s.Bind(endpoint))
	bound, err := s.GetLastEndpoint()
	must(t, err)
	return &hub{t: t, socket: s, monitor: monitor, endpoint: bound}
}

// watch returns a socket that tells of each lane that comes.
func watch(t *testing.T, s *zmq.Socket) *zmq.Socket {
	t.Helper()
	address := fmt.Sprintf("inproc://monitor-%p", s)
	must(t, s.Monitor(address, zmq.EVENT_HANDSHAKE_SUCCEEDED))
	monitor, err := zmq.NewSocket(zmq.PAIR)
	must(t, err)
	t.Cleanup(func() { must(t, monitor.Close()) })
	must(t, monitor.SetRcvtimeo(patience))
	must(t, monitor.Connect(address))
	return monitor
}

// awaitLanes waits until n lanes have come. A DEALER deals to those that it has: without this, one lane can get what was meant for two.
func (h *hub) awaitLanes(n int) {
	h.t.Helper()
	for range n {
		_, _, _, err := h.monitor.RecvEvent(0)
		must(h.t, err)
	}
}

// send sends a request and returns its token.
func (h *hub) send(body ...[]byte) string {
	h.t.Helper()
	h.tokens++
	token := "token " + strconv.Itoa(h.tokens)
	_, err := h.socket.SendMessage(token, "client", "", body)
	must(h.t, err)
	return token
}

// receive returns the next reply's token and body.
func (h *hub) receive() (string, [][]byte) {
	h.t.Helper()
	frames, err := h.socket.RecvMessageBytes(0)
	must(h.t, err)
	if len(frames) < 4 || string(frames[1]) != "client" || len(frames[2]) != 0 {
		h.t.Fatalf("got %q; want token, client, empty frame, body", frames)
	}
	return string(frames[0]), frames[3:]
}

// expect receives one reply and compares it.
func (h *hub) expect(token string, want ...[]byte) {
	h.t.Helper()
	got, body := h.receive()
	if got != token || !slices.EqualFunc(body, want, bytes.Equal) {
		h.t.Fatalf("got %.200q in reply to %q; want %.200q in reply to %q", body, got, want, token)
	}
}

// expectNothing fails if a reply is there.
func (h *hub) expectNothing() {
	h.t.Helper()
	must(h.t, h.socket.SetRcvtimeo(0))
	if frames, err := h.socket.RecvMessageBytes(0); err == nil {
		h.t.Fatalf("got %q; want nothing", frames)
	}
	must(h.t, h.socket.SetRcvtimeo(patience))
}

// ipc is an endpoint that no other test has. t.TempDir can be too long for a unix socket.
func ipc(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return "ipc://" + filepath.Join(dir, "backend")
}

// running is a worker that Run runs in the test.
type running struct {
	t     *testing.T
	drain context.CancelFunc
	ended chan error
}

func run(t *testing.T, endpoint string, h workerkit.HandlerFunc, opts ...workerkit.Option) *running {
	t.Helper()
	return runAs(t, workerkit.Backend{Endpoints: []string{endpoint}}, h, opts...)
}

func runAs(t *testing.T, b workerkit.Backend, h workerkit.HandlerFunc, opts ...workerkit.Option) *running {
	t.Helper()
	ctx, drain := context.WithCancel(context.Background())
	w := &running{t: t, drain: drain, ended: make(chan error, 1)}
	go func() { w.ended <- workerkit.Run(ctx, h, b, opts...) }()
	t.Cleanup(drain)
	return w
}

// wait returns what Run returned.
func (w *running) wait() error {
	w.t.Helper()
	select {
	case err := <-w.ended:
		return err
	case <-time.After(patience):
		w.t.Fatal("the worker has not ended")
		return nil
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
