package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// soon connects a socket again at once when its connection ends.
func soon(soc *zmq4.Socket) error { return soc.SetReconnectIvl(time.Millisecond) }

// A worker that hangs once for much longer than the timeout, beside one that always has something to do: it is charged for one request, and
// that once. Were its connection closed, it would be back within a millisecond, with nothing to do, and hang the same request again until
// its attempts are used up. When it wakes it serves on, by the same connection.
func TestHungWorkerBesideABusyOne(t *testing.T) {
	t.Parallel()
	const timeout, service = time.Second, 150 * time.Millisecond
	o := start(t, setup{our: proxy.Options{Dispatch: dispatch.Config{Prefetch: 1, Timeout: timeout}}})
	p := newPeers(t)
	hanging, other := p.connect(zmq4.DEALER, o.fe()), p.connect(zmq4.DEALER, o.fe())
	gate, begun := make(chan struct{}), make(chan bool, 100)
	p.rep(o.be(), func(m [][]byte) [][]byte {
		begun <- true
		hold(t, gate)
		return m
	}, soon)
	send(t, hanging, "", "hangs")
	receive(t, begun, "the request at the worker that hangs")
	since := time.Now()
	p.rep(o.be(), func(m [][]byte) [][]byte { time.Sleep(service); return m })
	await.Until(t, "both workers", func() bool { return len(o.snapshot().Lanes) == 2 })
	before := o.snapshot().Lanes

	left := flood(t, other, int(5*timeout/service))
	expect(t, recv(t, hanging), "", "hangs")
	for time.Since(since) < 4*timeout {
		take(t, left, recv(t, other))
	}
	if s := o.snapshot(); s.Lanes[0].Stuck == "" || s.Lanes[0].Answered != 0 || s.Queued == 0 {
		t.Errorf("the worker hangs, and the proxy says %+v", s)
	}
	close(gate)
	await.Until(t, "the worker to be back and answer", func() bool { return o.snapshot().Lanes[0].Answered > 0 })
	n := uint64(5*timeout/service) + 1
	o.answered(other, left, n)

	s := o.snapshot()
	if c := s.Counters; c.Stuck != 1 || c.Redelivered != 1 || c.UnknownToken != 1 || c.Failed != 0 {
		t.Errorf("counters %+v", c)
	}
	same := func(a, b control.Lane) bool { return a.ID == b.ID && b.Stuck == "" }
	if !slices.EqualFunc(before, s.Lanes, same) {
		t.Errorf("the lanes were %+v, and are %+v", before, s.Lanes)
	}
}
