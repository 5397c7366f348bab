package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
)

// load is clients that ask without pause, each request with a number of its own, until they are told to stop; then they wait for what is
// outstanding. Half of them are REQ, the other half DEALER with several requests under way.
type load struct {
	t        *testing.T
	stopping atomic.Bool
	over     atomic.Bool // the test, which may have failed: then nobody wants to know of more
	sent     atomic.Int64
	answered atomic.Int64
	broken   atomic.Int64 // connections that ended
	clients  sync.WaitGroup
}

// Each request is this order and a number. plugins/misbehave obeys it, other workers just send both back; the number comes last.
const order = "sleep 2ms"

func startLoad(t *testing.T, endpoint string, clients int) *load {
	t.Helper()
	l := &load{t: t}
	t.Cleanup(func() { l.over.Store(true) })
	for i := range clients {
		l.clients.Go(func() { l.client(endpoint, i) })
	}
	await.Until(t, "the load to begin", func() bool { return l.answered.Load() > 0 })
	return l
}

// progress waits until n more requests are answered.
func (l *load) progress(n int64) {
	l.t.Helper()
	goal := l.answered.Load() + n
	await.Until(l.t, fmt.Sprintf("%d more replies", n), func() bool { return l.answered.Load() >= goal || l.t.Failed() })
}

// stop ends the load and holds what was sent against what was answered.
func (l *load) stop() {
	l.t.Helper()
	l.stopping.Store(true)
	l.clients.Wait()
	if sent, answered := l.sent.Load(), l.answered.Load(); sent != answered {
		l.t.Errorf("%d requests were sent, %d answered", sent, answered)
	}
	if n := l.broken.Load(); n > 0 {
		l.t.Errorf("%d connections of clients ended", n)
	}
}

func (l *load) client(endpoint string, n int) {
	kind, window := zmq4.REQ, 1
	if n%2 == 1 {
		kind, window = zmq4.DEALER, 5
	}
	c, err := l.connect(kind, endpoint, n)
	if err != nil {
		l.errorf("%v", err)
		return
	}
	defer func() { _ = c.Close() }()
	waiting := map[string]bool{}
	for i := 0; ; {
		for ; !l.stopping.Load() && len(waiting) < window; i++ {
			number := fmt.Sprintf("%d.%d", n, i)
			waiting[number] = true
			if _, err := c.SendMessage(envelope(kind), order, number); err != nil {
				l.errorf("client %d cannot send: %v", n, err)
				return
			}
			l.sent.Add(1)
		}
		if len(waiting) == 0 {
			return
		}
		reply, err := c.RecvMessage(0)
		if err != nil {
			l.errorf("client %d waits for %d replies: %v", n, len(waiting), err)
			return
		}
		number := reply[len(reply)-1]
		if !waiting[number] {
			l.errorf("client %d got %q, which it does not wait for", n, reply)
			return
		}
		delete(waiting, number)
		l.answered.Add(1)
	}
}

func (l *load) errorf(format string, args ...any) {
	if !l.over.Load() {
		l.t.Errorf(format, args...)
	}
}

// envelope is what a DEALER has to put in front of a request, and a REQ puts there itself.
func envelope(kind zmq4.Type) any {
	if kind == zmq4.DEALER {
		return []string{""}
	}
	return []string{}
}

// connect also watches that the connection stays the same.
func (l *load) connect(kind zmq4.Type, endpoint string, n int) (*zmq4.Socket, error) {
	c, err := zmq4.NewSocket(kind)
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("inproc://%s-%d-%d", l.t.Name(), n, time.Now().UnixNano())
	if err := c.Monitor(at, zmq4.EVENT_DISCONNECTED); err != nil {
		return nil, err
	}
	go watch(at, func() {
		if !l.stopping.Load() {
			l.broken.Add(1)
		}
	})
	if err := c.SetRcvtimeo(patience); err != nil {
		return nil, err
	}
	return c, c.Connect(endpoint)
}

// watch tells of each connection of a monitored socket that ends, until that socket is closed.
func watch(endpoint string, disconnected func()) {
	events, err := zmq4.NewSocket(zmq4.PAIR)
	if err == nil {
		err = events.Connect(endpoint)
	}
	for err == nil {
		var kind zmq4.Event
		if kind, _, _, err = events.RecvEvent(0); kind == zmq4.EVENT_DISCONNECTED {
			disconnected()
		}
		if kind == zmq4.EVENT_MONITOR_STOPPED {
			_ = events.Close()
			return
		}
	}
}
