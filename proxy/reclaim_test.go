package proxy

import (
	"runtime"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
)

// tidyLoop is as much of a loop as tidy needs. Asked says whether it has memory given back.
func tidyLoop() (l *loop, asked func() bool) {
	l = &loop{pool: pool{keep: poolKept}, reclaimer: newReclaimer()}
	return l, func() bool {
		select {
		case <-l.reclaimer.asked:
			return true
		default:
			return false
		}
	}
}

// burst takes n small buffers at once and puts them back.
func burst(p *pool, n int) {
	all := make([][]byte, n)
	for i := range all {
		all[i] = p.get(100)
	}
	for _, b := range all {
		p.put(b)
	}
}

func TestMemoryIsGivenBackAfterABurst(t *testing.T) {
	l, asked := tidyLoop()
	for range 3 {
		burst(&l.pool, 200_000)
		if l.tidy(); asked() {
			t.Fatal("memory is given back amidst the load")
		}
		if !l.untidy() {
			t.Fatal("the loop would sleep on what it has let go of")
		}
	}
	if l.tidy(); !asked() {
		t.Fatal("memory is not given back after the load")
	}
	for range 30 {
		if l.tidy(); asked() {
			t.Fatal("memory is given back again for nothing")
		}
	}
	if l.untidy() {
		t.Error("a loop without load would never sleep")
	}
}

func TestLittleIsNotWorthACollection(t *testing.T) {
	l, asked := tidyLoop()
	burst(&l.pool, kept)
	for range 30 {
		if l.tidy(); asked() {
			t.Fatalf("memory is given back for %d bytes", l.pool.gone)
		}
	}
}

// A burst of small requests must not take the place of all other idle buffers, nor be long to trim.
func TestPoolKeepsFewOfAClass(t *testing.T) {
	p := pool{keep: poolKept}
	burst(&p, 4*kept)
	if n := len(p.free[class(100)]); n != kept {
		t.Errorf("%d buffers of one class lie idle", n)
	}
	if p.gone != 3*kept*128 {
		t.Errorf("%d bytes were let go of", p.gone)
	}
	large := p.get(64 << 10)
	p.put(large)
	if again := p.get(64 << 10); &again[:1][0] != &large[:1][0] {
		t.Error("there is no room for other buffers")
	}
}

// The goroutine that gives back ends with the loop, and does what it is asked until then.
func TestReclaimer(t *testing.T) {
	r := newReclaimer()
	released := make(chan bool, 10)
	r.release = func() { released <- true }
	r.ask()
	r.ask() // while it has not begun: once will do
	ended := make(chan bool)
	go func() { r.run(); close(ended) }()
	<-released
	close(r.asked)
	<-ended
	if len(released) != 0 {
		t.Error("released twice for nothing")
	}
}

// An idle client costs its records and no buffer.
func TestIdleClientsAreSmall(t *testing.T) {
	const n, most = 400, 4 << 10
	s := serve(t, Options{HandshakeTimeout: time.Minute})
	join(t, s.frontend, "REQ") // what the first one needs is not the others' cost
	before := liveHeap()
	peers := make([]*rawPeer, n) // they cost this process something too
	for i := range peers {
		peers[i] = join(t, s.frontend, "REQ")
		peers[i].held = nil
	}
	s.until(t, "all clients", func(snap control.Snapshot) bool { return snap.Clients == n+1 })
	await.Until(t, "the handshakes' memory", func() bool { return liveHeap() < before+n*most })
	runtime.KeepAlive(peers)
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
