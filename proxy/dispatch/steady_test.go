package dispatch

import (
	"fmt"
	"testing"
	"time"
)

// steady is a proxy in the middle of its work: each client has a request waiting, each lane is full, and with each turn one request is
// answered, one comes in and one goes out.
type steady struct {
	d       *Dispatcher[*int]
	clients []*Client[*int]
	out     []Action[*int] // deliveries, a ring: the oldest is answered next
	turn    int
	now     time.Duration
}

func newSteady(lanes, clients int, cfg Config) *steady {
	s := &steady{d: New[*int](cfg)}
	for range clients {
		s.clients = append(s.clients, s.d.Join())
	}
	for range lanes {
		s.d.Up()
	}
	for range lanes*max(cfg.Prefetch, 1)/clients + 2 {
		for _, c := range s.clients {
			s.d.Request(0, c, new(int), 16)
		}
	}
	for a, ok := s.d.Next(0); ok && a.Kind == Deliver; a, ok = s.d.Next(0) {
		s.out = append(s.out, a)
	}
	return s
}

func (s *steady) step() {
	s.now += 2 * time.Microsecond
	i := s.turn % len(s.out)
	c, m, ok := s.d.Reply(s.now, s.out[i].Lane, s.out[i].Token)
	if !ok {
		panic("a good token is refused")
	}
	s.d.Request(s.now, c, m, 16)
	s.out[i], ok = s.d.Next(s.now)
	if !ok || s.out[i].Kind != Deliver {
		panic("nothing is delivered")
	}
	s.turn++
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, cfg := range []Config{
		{Prefetch: 1}, {Prefetch: 8}, {}, {Once: true}, {Prefetch: 8, Timeout: time.Second, Deadline: time.Hour}, {Eject: time.Second},
		{Prefetch: 1, Probe: time.Second},
	} {
		s := newSteady(10, 10, cfg)
		if n := testing.AllocsPerRun(10_000, s.step); n != 0 {
			t.Errorf("%v allocations a request with %+v", n, cfg)
		}
	}
}

// TestStuckAllocatesNothing lets a lane stick and answer after all.
func TestStuckAllocatesNothing(t *testing.T) {
	d := New[*int](Config{Timeout: time.Second})
	c, l, m := d.Join(), d.Up(), new(int)
	late := func() {
		d.Request(0, c, m, 16)
		now := time.Duration(l.Answered()) * time.Second
		sent, _ := d.Next(now)
		now, _ = d.Deadline()
		if a, _ := d.Next(now); a.Kind != Stuck {
			panic("no lane is stuck")
		}
		d.Reply(now, l, sent.Token)
	}
	if n := testing.AllocsPerRun(1000, late); n != 0 {
		t.Errorf("%v allocations when a lane is stuck", n)
	}
}

// TestProbeAllocatesNothing lets a lane fail a probe and answer it, and puts it on hold.
func TestProbeAllocatesNothing(t *testing.T) {
	d := New[*int](Config{Probe: time.Second})
	l, now := d.Up(), time.Duration(0)
	probe := func() {
		d.Next(now)
		now, _ = d.Deadline()
		sent, _ := d.Next(now)
		now, _ = d.Deadline()
		if a, _ := d.Next(now); sent.Kind != Probe || a.Kind != Unanswered {
			panic("no probe, or an answer to it")
		}
		d.Hold(l)
		d.Resume(l)
		if _, well, _ := d.Probed(l, sent.Token, true); !well {
			panic("not well")
		}
	}
	if n := testing.AllocsPerRun(1000, probe); n != 0 {
		t.Errorf("%v allocations for a probe", n)
	}
}

// TestAsideAllocatesNothing sets a full lane aside, lets another one answer what it held, and brings it back. That it keeps what it owes
// costs memory once.
func TestAsideAllocatesNothing(t *testing.T) {
	d := New[*int](Config{Prefetch: MaxPrefetch})
	c, l, other, m := d.Join(), d.Up(), d.Up(), new(int)
	var late, answered []Token
	story := func() {
		d.SetAside(0, other) // nothing, for it holds nothing
		for range 2 * MaxPrefetch {
			d.Request(0, c, m, 16)
		}
		late, answered = late[:0], answered[:0]
		for a, ok := d.Next(0); ok; a, ok = d.Next(0) {
			if a.Lane == l {
				late = append(late, a.Token)
			} else {
				answered = append(answered, a.Token)
			}
		}
		d.SetAside(0, l)
		for i := 0; i < len(answered); i++ {
			d.Reply(0, other, answered[i])
			if a, ok := d.Next(0); ok {
				answered = append(answered, a.Token)
			}
		}
		for i, token := range late {
			if d.Late(0, l, token) != (i == MaxPrefetch-1) {
				panic("back too early, or not at all")
			}
		}
	}
	if n := testing.AllocsPerRun(100, story); n != 0 {
		t.Errorf("%v allocations when a lane is set aside", n)
	}
}

// TestOverdueAllocatesNothing lets a request be overdue in the queue, and one at a lane that replies after all.
func TestOverdueAllocatesNothing(t *testing.T) {
	d := New[*int](Config{Prefetch: 1, Deadline: time.Second})
	c, l, m := d.Join(), d.Up(), new(int)
	late := func() {
		now := time.Duration(l.Answered()) * time.Second
		d.Request(now, c, m, 16)
		d.Request(now, c, m, 16)
		sent, _ := d.Next(now)
		now, _ = d.Deadline()
		for range 2 {
			if a, _ := d.Next(now); a.Cause != Overdue {
				panic("nothing is overdue")
			}
		}
		d.Reply(now, l, sent.Token)
	}
	if n := testing.AllocsPerRun(1000, late); n != 0 {
		t.Errorf("%v allocations when requests are overdue", n)
	}
}

// TestWavesAllocateNothing lets the queue go up and down, past its bound.
func TestWavesAllocateNothing(t *testing.T) {
	d := New[*int](Config{Prefetch: 100, Queue: 10})
	c, l, m := d.Join(), d.Up(), new(int)
	tokens := make([]Token, 0, 1000)
	paused := 0
	wave := func() {
		for range 1000 {
			d.Request(0, c, m, 16)
		}
		for d.Waiting()+d.Outstanding() > 0 {
			tokens = tokens[:0]
			for a, ok := d.Next(0); ok; a, ok = d.Next(0) {
				switch a.Kind {
				case Deliver:
					tokens = append(tokens, a.Token)
				case Pause:
					paused++
				}
			}
			for _, token := range tokens {
				d.Reply(0, l, token)
			}
		}
	}
	if n := testing.AllocsPerRun(100, wave); n != 0 {
		t.Errorf("%v allocations in a wave of requests", n)
	}
	if l.Answered() != 101_000 || paused != 101 {
		t.Errorf("%d answered, %d times paused", l.Answered(), paused)
	}
}

// TestLostAllocatesNothing loses a full lane, delivers what it held to another one, and gets the replies: only what comes and goes, the
// lane, costs memory.
func TestLostAllocatesNothing(t *testing.T) {
	lostAndUp := testing.AllocsPerRun(1000, losing(0))
	if n := testing.AllocsPerRun(1000, losing(MaxPrefetch)); n != lostAndUp {
		t.Errorf("%v allocations when a lane with %d requests is lost, %v when it holds nothing", n, MaxPrefetch, lostAndUp)
	}
}

// losing is a story that repeats: so many requests go to one lane, then to the next, which answers them.
func losing(requests int) func() {
	d := New[*int](Config{Prefetch: MaxPrefetch, Timeout: time.Second, Deadline: time.Hour})
	c, m := d.Join(), new(int)
	tokens := make([]Token, 0, requests)
	deliver := func() {
		tokens = tokens[:0]
		for a, ok := d.Next(0); ok; a, ok = d.Next(0) {
			tokens = append(tokens, a.Token)
		}
	}
	return func() {
		first := d.Up()
		for range requests {
			d.Request(0, c, m, 16)
		}
		deliver()
		d.Lost(0, first)
		second := d.Up()
		deliver()
		for _, token := range tokens {
			if _, _, ok := d.Reply(0, second, token); !ok {
				panic("a good token is refused")
			}
		}
		d.Lost(0, second)
	}
}

// TestCostDoesNotGrow holds ten thousand lanes and clients against ten. What searches among them would cost hundreds of times as much, what
// the processor's caches do not hold costs a few times as much.
func TestCostDoesNotGrow(t *testing.T) {
	few, many := cost(10), cost(10_000)
	if many > 30*few {
		t.Errorf("a thousand requests take %v with 10,000 lanes and clients, %v with 10", many, few)
	}
}

// cost is the shortest time of several for a thousand requests: the others show what else the machine does.
func cost(n int) time.Duration {
	s := newSteady(n, n, Config{Prefetch: 8, Timeout: time.Minute, Deadline: time.Hour})
	least := time.Hour
	for range 30 {
		began := time.Now()
		for range 1000 {
			s.step()
		}
		least = min(least, time.Since(began))
	}
	return least
}

// BenchmarkRequest is to cost the same however many lanes and clients there are, but for what the processor's caches do not hold.
func BenchmarkRequest(b *testing.B) {
	for _, lanes := range []int{1, 10, 1000, 10_000} {
		for _, clients := range []int{1, 10, 2000, 10_000} {
			for _, timeout := range []time.Duration{0, time.Minute} {
				b.Run(fmt.Sprintf("lanes=%d/clients=%d/timeout=%v", lanes, clients, timeout), func(b *testing.B) {
					s := newSteady(lanes, clients, Config{Prefetch: 8, Timeout: timeout, Eject: time.Second})
					b.ReportAllocs()
					for b.Loop() {
						s.step()
					}
				})
			}
		}
	}
}

// BenchmarkLost brings a full lane back into the queue and to the next lane.
func BenchmarkLost(b *testing.B) {
	d := New[*int](Config{Prefetch: MaxPrefetch, Attempts: 1 << 30})
	c, m := d.Join(), new(int)
	for range MaxPrefetch {
		d.Request(0, c, m, 16)
	}
	b.ReportAllocs()
	for b.Loop() {
		l := d.Up()
		for _, ok := d.Next(0); ok; _, ok = d.Next(0) {
		}
		d.Lost(0, l)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/MaxPrefetch, "ns/request")
}
