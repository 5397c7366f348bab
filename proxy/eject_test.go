package proxy

import (
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// pair is two workers of which the second answers in a way of its own, and three clients.
type pair struct {
	*served
	t         *testing.T
	good, bad *rawPeer
	clients   []*rawPeer
	round     int
}

func newPair(t *testing.T, eject time.Duration) *pair {
	t.Helper()
	p := &pair{t: t, served: serve(t, Options{Dispatch: dispatch.Config{Prefetch: 1, Eject: eject}})}
	for range 3 {
		p.clients = append(p.clients, join(t, p.frontend, "DEALER"))
	}
	p.good, p.bad = join(t, p.backend, "REP"), join(t, p.backend, "REP")
	p.until(t, "both lanes", func(s control.Snapshot) bool { return len(s.Lanes) == 2 && s.Lanes[0].Pid*s.Lanes[1].Pid != 0 })
	return p
}

// both lets each worker answer one request.
func (p *pair) both(answer func(frames []string)) {
	p.t.Helper()
	first, second := p.clients[p.round%3], p.clients[(p.round+1)%3]
	p.round++
	first.send(wire("", "x"))
	second.send(wire("", "x"))
	held, frames := p.good.recv(), p.bad.recv() // both have one: who is free gets the next
	p.good.send(wire(held...))
	answer(frames)
	first.recv()
	second.recv()
}

func (p *pair) badLane() control.Lane {
	p.t.Helper()
	for _, l := range p.snapshot(p.t).Lanes {
		if l.Peer == p.bad.LocalAddr().String() {
			return l
		}
	}
	p.t.Fatal("the bad worker's lane is gone")
	return control.Lane{}
}

func (p *pair) echoBad(frames []string) { p.bad.send(wire(frames...)) }

// untilEjected lets the second worker answer its way until it is.
func (p *pair) untilEjected(most int, answer func([]string)) control.Lane {
	p.t.Helper()
	for range 16 {
		p.both(p.echoBad)
	}
	for n := range most {
		if l := p.badLane(); l.Ejected != "" {
			if n < 10 {
				p.t.Errorf("ejected after %d answers", n)
			}
			return l
		}
		p.both(answer)
	}
	p.t.Fatalf("it is not ejected after %d answers", most)
	return control.Lane{}
}

// A worker that answers with errors where another one does not gets nothing for a while, also when requests wait. Whoever watches is told.
func TestFailingWorkerIsEjected(t *testing.T) {
	p := newPair(t, time.Second)
	events := p.watching(t)
	lane := p.untilEjected(60, func(frames []string) {
		p.bad.send(wire(frames[0], frames[1], `{"zfleet":{"code":"UNKNOWN","message":"no disk"}}`))
	})
	left := time.Until(lane.EjectedUntil)
	if !strings.Contains(lane.Ejected, "answers with errors") || !lane.Doubtful || left > time.Second {
		t.Errorf("lane %+v, ejected for %v", lane, left)
	}
	for _, want := range []control.Kind{control.LaneUp, control.LaneEjected} {
		e := <-events
		for e.Lane.Peer != p.bad.LocalAddr().String() {
			e = <-events
		}
		if e.Kind != want || e.Reason != e.Lane.Ejected {
			t.Errorf("event %+v instead of %s", e, want)
		}
	}
	client := p.clients[0]
	client.send(wire("", "one"), wire("", "two"))
	p.good.echo()
	client.recv()
	p.good.echo()
	client.recv()
	if c := p.snapshot(t).Counters; c.Ejected != 1 || c.Failed != 0 {
		t.Errorf("counters %+v", c)
	}
	expectEvents(t, events, p.bad, control.LaneBack)
	if time.Now().Before(lane.EjectedUntil) {
		t.Errorf("it is back before %v", lane.EjectedUntil)
	}
	p.both(p.echoBad)
}

// A worker that takes many times as long as another one gets only what waits for as long as it takes.
func TestSlowWorkerIsEjected(t *testing.T) {
	const takes = 30 * time.Millisecond
	p := newPair(t, time.Hour)
	lane := p.untilEjected(200, func(frames []string) {
		time.Sleep(takes)
		p.echoBad(frames)
	})
	if !strings.HasPrefix(lane.Ejected, "a request takes it about ") {
		t.Errorf("lane %+v", lane)
	}
	client := p.clients[0]
	client.send(wire("", "one"), wire("", "two"))
	asked := time.Now()
	held := p.good.recv()
	p.echoBad(p.bad.recv())
	if waited := time.Since(asked); waited < takes/2 { // the mean is not up there yet
		t.Errorf("it gets a request that has waited for %v", waited)
	}
	client.recv()
	p.good.send(wire(held...))
	client.recv()
}

// With Eject 0 nobody is ejected; and errors that speak of the request are nobody's fault.
func TestWhoIsNotEjected(t *testing.T) {
	for code, eject := range map[string]time.Duration{"UNKNOWN": 0, "NOT_FOUND": time.Minute} {
		p := newPair(t, eject)
		for range 16 {
			p.both(p.echoBad)
		}
		for range 40 {
			p.both(func(frames []string) { p.bad.send(wire(frames[0], frames[1], `{"zfleet":{"code":"`+code+`"}}`)) })
		}
		if l := p.badLane(); l.Ejected != "" || l.Doubtful {
			t.Errorf("%s, %v: lane %+v", code, eject, l)
		}
	}
}

func TestDigits(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		0: 0, 7: 7, 131_072: 130_000, 22_020_096: 22_000_000, 999_424: 1_000_000, 1_234_567_890: 1_200_000_000,
	} {
		if got := digits(d); got != want {
			t.Errorf("%v is shown as %v", d, got)
		}
	}
}
