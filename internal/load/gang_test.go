package load

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// service answers what a gang sends, on the virtual clock of a synctest bubble, one request after the other.
type service struct {
	takes   func(at time.Duration) time.Duration // for the request that it begins with at a moment
	replies func(n number, payload []byte) [][][]byte
	holdup  func(at time.Duration) time.Duration // of the client, nil for none
	began   time.Time
	free    time.Time
	waiting []answer
	sentAt  []time.Duration
}

type answer struct {
	at      time.Time
	client  int
	n       number
	payload []byte
}

func (s *service) send(client int, n number, payload []byte) error {
	s.sentAt = append(s.sentAt, time.Since(s.began))
	if s.free.Before(time.Now()) {
		s.free = time.Now()
	}
	s.free = s.free.Add(s.takes(s.free.Sub(s.began)))
	s.waiting = append(s.waiting, answer{s.free, client, n, append([]byte{}, payload...)})
	return nil
}

func (s *service) wait(long time.Duration, got func(int, number, [][]byte)) error {
	if len(s.waiting) > 0 {
		long = max(min(long, time.Until(s.waiting[0].at)), 0)
	}
	if s.holdup != nil {
		long += s.holdup(time.Since(s.began))
	}
	time.Sleep(long)
	for len(s.waiting) > 0 && !s.waiting[0].at.After(time.Now()) {
		a := s.waiting[0]
		s.waiting = s.waiting[1:]
		for _, reply := range s.answer(a) {
			got(a.client, a.n, reply)
		}
	}
	return nil
}

func (s *service) answer(a answer) [][][]byte {
	if s.replies == nil {
		return [][][]byte{{a.payload}}
	}
	return s.replies(a.n, a.payload)
}

// always takes the same.
func always(d time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return d }
}

// play runs one gang of all clients against a service, on the bubble's clock, and gives its result.
func play(t *testing.T, ctx context.Context, opts Options, s *service) Result {
	t.Helper()
	g := newGang(opts, 0, 1, opts.Clients, &Progress{})
	s.began = time.Now()
	if err := g.run(ctx, s, s.began); err != nil {
		t.Fatal(err)
	}
	return sum(ctx, []*gang{g})
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// about allows for the three digits of a histogram.
func about(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if d := got - want; d < -want/500 || d > want/500 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// A request is sent when it is due, to the nanosecond, and no sooner or more often.
func TestOpenLoopSendsWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: always(time.Millisecond)}
		r := play(t, t.Context(), Options{Clients: 3, Rate: 4, Duration: 2 * time.Second, Warmup: time.Second, Patience: time.Second}, s)
		want(t, "sent", len(s.sentAt), 12)
		for i, at := range s.sentAt {
			want(t, fmt.Sprint("request ", i), at, time.Duration(i)*250*time.Millisecond)
		}
		want(t, "measured", r.Replies, 8)
		want(t, "rate", r.Rate(), 4)
		about(t, "latency", r.Latency(100), time.Millisecond)
	})
}

// A service that stands still for a second makes the requests of that second late. A load that waited for it would count one of them.
func TestOpenLoopDoesNotWaitForTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalls := func(at time.Duration) time.Duration {
			if at >= 5*time.Second && at < 5*time.Second+time.Millisecond {
				return time.Second
			}
			return 10 * time.Microsecond
		}
		r := play(t, t.Context(), Options{Clients: 1, Rate: 1000, Duration: 10 * time.Second, Patience: time.Second}, &service{takes: stalls})
		want(t, "replies", r.Replies, 10_000)
		about(t, "p89", r.Latency(89), 10*time.Microsecond)
		about(t, "max", r.Latency(100), time.Second)
		if p95 := r.Latency(95); p95 < 400*time.Millisecond || p95 > 600*time.Millisecond {
			t.Errorf("a tenth of all requests waited up to a second, and p95 is %v", p95)
		}
	})
}

// A client that is held up itself sends all that was due meanwhile, and it counts as late.
func TestOpenLoopCountsFromWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := false
		holdup := func(at time.Duration) time.Duration {
			if held || at < time.Second {
				return 0
			}
			held = true
			return time.Second
		}
		s := &service{takes: always(10 * time.Microsecond), holdup: holdup}
		r := play(t, t.Context(), Options{Clients: 1, Rate: 1000, Duration: 4 * time.Second, Patience: time.Second}, s)
		want(t, "replies", r.Replies, 4000)
		about(t, "max", r.Latency(100), time.Second)
		if p90 := r.Latency(90); p90 < 500*time.Millisecond || p90 > 700*time.Millisecond {
			t.Errorf("a quarter of all requests were up to a second late, and p90 is %v", p90)
		}
	})
}

// The gangs of one load send in turn, at the rate together.
func TestShare(t *testing.T) {
	for gang := range 4 {
		s := share(100, gang, 4, time.Second)
		sent := 0
		for at, ok := s.next(); ok; at, ok = s.next() {
			want(t, "due", at, time.Duration(4*sent+gang)*10*time.Millisecond)
			s.take()
			sent++
		}
		want(t, "sent by one", sent, 25)
	}
}

// Each client has its number of requests under way, and never more.
func TestClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: always(time.Millisecond)}
		r := play(t, t.Context(), Options{Clients: 5, Outstanding: 2, Duration: time.Second, Warmup: time.Second, Patience: time.Second}, s)
		want(t, "rate", r.Rate(), 1000)
		about(t, "latency: ten are under way", r.Latency(50), 10*time.Millisecond)
		want(t, "unanswered", r.Unanswered, 0)
		want(t, "sent in the end", len(s.sentAt), 2009) // none at the end itself
	})
}

func TestWhatReplies(t *testing.T) {
	failed := []byte(`{"zfleet":{"code":"UNAVAILABLE","message":"no"}}`)
	replies := func(n number, payload []byte) [][][]byte {
		switch n % 5 {
		case 1:
			return nil
		case 2:
			return [][][]byte{{payload}, {payload}}
		case 3:
			return [][][]byte{{failed}}
		case 4:
			return [][][]byte{{[]byte("another")}}
		}
		return [][][]byte{{payload}}
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := play(t, t.Context(), Options{Clients: 1, Rate: 10, Size: 4, Echo: true, Duration: time.Second, Patience: 3 * time.Second},
			&service{takes: always(time.Millisecond), replies: replies})
		want(t, "replies, errors, wrong, doubled, unanswered",
			[]int64{r.Replies, r.Errors, r.Wrong, r.Doubled, r.Unanswered}, []int64{4, 2, 2, 2, 2})
		if took := time.Since(began); took < 4*time.Second || took > 4*time.Second+lookUp {
			t.Errorf("replies were waited for until %v", took)
		}
	})
}

// Interrupted, it gives what it has and waits for nothing.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		r := play(t, ctx, Options{Clients: 1, Rate: 100, Duration: time.Hour, Patience: time.Hour}, &service{takes: always(15 * time.Millisecond)})
		if !r.Interrupted || r.Unanswered == 0 || r.Elapsed > 2*time.Second+lookUp || r.Replies < 130 || r.Replies > 140 {
			t.Errorf("got %+v", r)
		}
	})
}

func TestPayload(t *testing.T) {
	for size, wanted := range map[int]string{0: "", 2: "45", 5: "12345", 25: "0000000000000000000012345"} {
		g := newGang(Options{Size: size}, 0, 1, 1, &Progress{})
		g.payload(number(1)<<63 + 99)
		want(t, "payload", string(g.payload(12345)), wanted)
	}
	g := newGang(Options{Payload: []byte("hello")}, 0, 1, 1, &Progress{})
	want(t, "payload", string(g.payload(12345)), "hello")
}

func TestTooManyClients(t *testing.T) {
	var few *TooFewFiles
	if err := roomFor(1 << 40); !errors.As(err, &few) || few.Hint() == "" {
		t.Errorf("got %v", err)
	}
	if err := roomFor(1); err != nil {
		t.Error(err)
	}
}

// The loop itself allocates next to nothing for a request: what it measures is not its own collector.
func TestAskAllocatesNothing(t *testing.T) {
	g := newGang(Options{Outstanding: 1, Size: 16, Echo: true, Duration: time.Hour}, 0, 1, 1, &Progress{})
	g.wire, g.began = deaf{}, time.Now()
	g.ask(0, 0)
	reply := make([][]byte, 1)
	if n := testing.AllocsPerRun(1000, func() {
		reply[0] = g.payload(g.ledger.last)
		g.got(0, g.ledger.last, reply)
	}); n > 0 {
		t.Errorf("%v allocations a request", n)
	}
}

type deaf struct{}

func (deaf) send(int, number, []byte) error                        { return nil }
func (deaf) wait(time.Duration, func(int, number, [][]byte)) error { return nil }
