package dispatch

import (
	"math"
	"runtime"
	"testing"
	"unsafe"
)

// kept counts the chunks that are not given back.
func (s *slab[M]) kept() (n int) {
	for _, c := range s.chunks {
		if c != nil {
			n++
		}
	}
	return n
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestBurst queues a million requests and serves them: they cost little beside their messages, and the memory comes back.
func TestBurst(t *testing.T) {
	const burst = 1_000_000
	before := heap()
	d := New[*int](Config{Queue: 2 * burst, Prefetch: MaxPrefetch})
	m, c := new(int), d.Join()
	for range burst {
		d.Request(0, c, m, 100)
	}
	if each := (heap() - before) / burst; each >= 128 {
		t.Errorf("a waiting request takes %d bytes", each)
	}
	l := d.Up()
	for served := 0; served < burst; served++ {
		a, ok := d.Next(0)
		if !ok || a.Kind != Deliver {
			t.Fatalf("after %d there is %v to do", served, a.Kind)
		}
		d.Reply(0, l, a.Token)
	}
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes are kept after the burst", after-before)
	}
	if kept := d.slab.kept(); kept > idleChunks {
		t.Errorf("%d chunks are kept after the burst", kept)
	}
	runtime.KeepAlive(d)
}

// TestBurstBehindStragglers keeps one request in every tenth chunk while the others go: theirs go back, and new requests fill up what is
// there.
func TestBurstBehindStragglers(t *testing.T) {
	s := &slab[int]{}
	s.init()
	var all []*request[int]
	for range 100 * chunkSize {
		all = append(all, s.get())
	}
	var stay []*request[int]
	for i, r := range all {
		if i%(10*chunkSize) == 77 {
			stay = append(stay, r)
			continue
		}
		s.put(r)
	}
	if kept := s.kept(); kept != len(stay)+idleChunks {
		t.Errorf("%d chunks are kept for %d requests", kept, len(stay))
	}
	before := s.kept()
	for range len(stay) * (chunkSize - 1) {
		s.get()
	}
	if s.idle != idleChunks || s.kept() != before {
		t.Errorf("requests begin on idle chunks (%d of %d left) while others have room", s.idle, idleChunks)
	}
	for _, r := range stay {
		if s.at(r.index) != r {
			t.Fatal("an index does not find its request")
		}
	}
}

// TestStaleToken holds on to tokens while their chunk is given back and its number used again.
func TestStaleToken(t *testing.T) {
	d := New[int](Config{Prefetch: MaxPrefetch})
	c := d.Join()
	lane := func() *Lane[int] {
		l := d.Up()
		for range MaxPrefetch {
			d.Request(0, c, 0, 0)
		}
		return l
	}
	var lanes []*Lane[int]
	old := map[Token]*Lane[int]{}
	for range 2 * idleChunks * chunkSize / MaxPrefetch {
		lanes = append(lanes, lane())
	}
	take := func(into map[Token]*Lane[int]) {
		for a, ok := d.Next(0); ok; a, ok = d.Next(0) {
			into[a.Token] = a.Lane
		}
	}
	take(old)
	for token, l := range old {
		if _, _, ok := d.Reply(0, l, token); !ok {
			t.Fatal("a good token is refused")
		}
	}
	if d.slab.kept() != idleChunks {
		t.Fatalf("%d chunks are kept", d.slab.kept())
	}
	refused := func() {
		for token, l := range old {
			if _, _, ok := d.Reply(0, l, token); ok {
				t.Fatalf("stale token %#x is taken", token)
			}
		}
	}
	refused()
	for range lanes {
		for range MaxPrefetch {
			d.Request(0, c, 0, 0)
		}
	}
	take(map[Token]*Lane[int]{})
	refused()
	if n := len(d.slab.chunks); n != 2*idleChunks {
		t.Errorf("numbers are not used again: the table has %d places", n)
	}
	if d.Outstanding() != len(old) {
		t.Errorf("%d are outstanding, not %d", d.Outstanding(), len(old))
	}
}

// TestTokensComeRound lets the count of deliveries overflow: no token is zero, not even that of the request at index 0.
func TestTokensComeRound(t *testing.T) {
	d := New[int](Config{Prefetch: 1, Deliveries: math.MaxUint32 - 2})
	c, l := d.Join(), d.Up()
	for range 5 {
		d.Request(0, c, 0, 0)
		a, _ := d.Next(0)
		if a.Token == 0 || a.Token>>32 == 0 {
			t.Errorf("token %#x", a.Token)
		}
		if _, _, ok := d.Reply(0, l, a.Token); !ok {
			t.Errorf("token %#x is refused", a.Token)
		}
	}
	if d.Redelivered() != 0 {
		t.Error("a first delivery counts as another")
	}
}

func TestRequestSize(t *testing.T) {
	if size := unsafe.Sizeof(request[*int]{}); size > 104 {
		t.Errorf("a request takes %d bytes", size)
	}
}
