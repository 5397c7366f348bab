package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/control"
)

// named is what a worker that was started by us does: its name as a PLAIN username, the fleet's secret as the password.
func named(worker, secret string) option {
	return func(s *zmq4.Socket) error {
		if err := s.SetPlainUsername(worker); err != nil {
			return err
		}
		return s.SetPlainPassword(secret)
	}
}

// The backend serves NULL and PLAIN peers. A name needs the secret; who gives none needs none.
func TestPlain(t *testing.T) {
	t.Parallel()
	o := start(t, setup{our: proxy.Options{Secret: "hush"}})
	p := newPeers(t)
	p.rep(o.be(), echo, named("hello/0#1", "wrong"))
	p.rep(o.be(), echo, named("hello/1#1", "hush"))
	await.Until(t, "the worker with the secret", func() bool { return len(o.snapshot().Lanes) == 1 })
	p.rep(o.be(), echo)
	await.Until(t, "the worker without a name", func() bool { return len(o.snapshot().Lanes) == 2 })
	await.Until(t, "the wrong password to be refused", func() bool { return o.snapshot().Counters.BadPeers > 0 })
	var names []string
	for _, l := range o.snapshot().Lanes {
		names = append(names, l.Worker)
	}
	if got := strings.Join(names, " "); got != "hello/1#1 " {
		t.Errorf("workers %q, want hello/1#1 and one without a name", got)
	}
	for range 10 {
		expect(t, ask(t, p.connect(zmq4.REQ, o.fe()), "Hello"), "Hello")
	}
}

// A drained worker is finished and never given more, so it can be stopped without loss while clients go on. Each worker here holds ten
// requests when it is told, and until a moment later.
func TestDrainLosesNothing(t *testing.T) {
	t.Parallel()
	o := start(t, holding(10))
	p := newPeers(t)
	client := p.connect(zmq4.DEALER, o.fe())
	const rounds, each = 5, 500
	for i := range rounds {
		name := fmt.Sprintf("hello/%d#1", i)
		gate := make(chan struct{})
		w := p.rep(o.be(), func(m [][]byte) [][]byte { hold(t, gate); return m }, named(name, "any"))
		await.Until(t, "the worker", func() bool { s := o.snapshot(); return len(s.Lanes) == 1 && s.Lanes[0].Worker == name })
		left := flood(t, client, each)
		await.Until(t, "the worker to have its fill", func() bool { return o.snapshot().Inflight == 10 })

		drained := make(chan error, 1)
		go func() { drained <- o.control.Drain(t.Context(), name) }()
		await.Until(t, "the drain to begin", func() bool { return o.snapshot().Lanes[0].Draining })
		if s := o.snapshot(); len(drained) > 0 || s.Inflight != 10 {
			t.Fatalf("drain had ended %d times with %d requests at the worker", len(drained), s.Inflight)
		}
		close(gate)
		must(t, receive(t, drained, "the drain"))
		w.leave() // at once: what it held now would be lost to it

		rest := p.rep(o.be(), echo)
		o.answered(client, left, uint64((i+1)*each))
		rest.leave()
		await.Until(t, "no worker", func() bool { return len(o.snapshot().Lanes) == 0 })
	}
	if s := o.snapshot(); s.Counters.Redelivered != 0 {
		t.Errorf("%d requests were redelivered: drained workers still held them", s.Counters.Redelivered)
	}
}

// What was read is answered before an engine is empty, or ends, also by workers that come while it waits.
func TestEmptyingLosesNothing(t *testing.T) {
	for name, begin := range map[string]func(*ours) <-chan error{
		"quiesce": func(o *ours) <-chan error {
			empty := make(chan error, 1)
			go func() { empty <- o.control.Quiesce(o.t.Context()) }()
			return empty
		},
		"end": func(o *ours) <-chan error { return o.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := start(t, setup{our: proxy.Options{Grace: patience}})
			p := newPeers(t)
			client := p.connect(zmq4.DEALER, o.fe())
			left := flood(t, client, 1000)
			await.Until(t, "all requests to be read", func() bool { return o.snapshot().Counters.Requests == 1000 })
			empty := begin(o)
			p.rep(o.be(), echo)
			for len(left) > 0 {
				take(t, left, recv(t, client))
			}
			must(t, receive(t, empty, name))
		})
	}
}

// Who supervises the proxy hears of lanes with the pids behind them, and of their end.
func TestLaneEvents(t *testing.T) {
	t.Parallel()
	o := start(t, setup{})
	w := spawn(t, o.be())
	events := make(chan control.Event, 10)
	go func() {
		_ = o.control.Events(t.Context(), func(e control.Event) {
			if e.Kind != control.Listed {
				events <- e
			}
		})
	}()
	up := receive(t, events, "a lane")
	if up.Kind != control.LaneUp || up.Lane.Pid != w.cmd.Process.Pid {
		t.Errorf("%s of pid %d, want lane_up of %d", up.Kind, up.Lane.Pid, w.cmd.Process.Pid)
	}
	w.kill()
	down := receive(t, events, "its end")
	if down.Kind != control.LaneDown || down.Lane.ID != up.Lane.ID {
		t.Errorf("%s of lane %d, want lane_down of %d", down.Kind, down.Lane.ID, up.Lane.ID)
	}
}

// While a request waits for a worker that does not come, the engine sleeps. (zmq_proxy takes a whole core: libzmq issue 4071.) The
// engine's thread is the only one of this process that can be awake: the test waits, its peers' threads are idle.
func TestWaitingCostsNothing(t *testing.T) {
	o := start(t, setup{})
	client := newPeers(t).connect(zmq4.REQ, o.fe())
	send(t, client, "Hello")
	await.Until(t, "the request to be queued", func() bool { return o.snapshot().Queued == 1 })
	const window = 300 * time.Millisecond
	before := cpu(t)
	<-time.After(window)
	if used := cpu(t) - before; used > window/10 {
		t.Errorf("%v of CPU in %v", used, window)
	}
}

// cpu is what this process has used so far.
func cpu(t *testing.T) time.Duration {
	var u unix.Rusage
	must(t, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
