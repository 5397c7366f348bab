package proxy

import (
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// desk is a loop with connections that lead nowhere: what it would send is taken from them instead. It shows what a request costs beside
// the system calls.
type desk struct {
	*loop
	clients, lanes []*conn
	wire           []byte
}

func newDesk(tb testing.TB, clients, lanes int) *desk {
	tb.Helper()
	l, err := newLoop(Options{Log: zerolog.Nop(), Dispatch: dispatch.Config{Prefetch: dispatch.MaxPrefetch, Eject: time.Second}}.withDefaults())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(l.close)
	d := &desk{loop: l}
	for range clients {
		c := d.nowhere(tb, frontend)
		c.client = l.core.Join()
		c.client.Data = c
		d.clients = append(d.clients, c)
	}
	for range lanes {
		c := d.nowhere(tb, backend)
		c.lane = &lane{conn: c, core: l.core.Up()}
		c.lane.core.Data = c
		d.lanes = append(d.lanes, c)
	}
	return d
}

func (d *desk) nowhere(tb testing.TB, s side) *conn {
	fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	c := &conn{fd: fd, side: s, interest: unix.EPOLLIN | unix.EPOLLRDHUP}
	for len(d.conns) <= fd {
		d.conns = append(d.conns, nil)
	}
	d.conns[fd] = c
	return c
}

// turn has every client ask once with the given bytes, which hold n requests, and the lanes send back what they get.
func (d *desk) turn(requests []byte) {
	d.now += time.Microsecond
	for _, c := range d.clients {
		d.take(c, requests)
	}
	d.act()
	for _, c := range d.lanes {
		d.wire = d.sent(c, d.wire[:0])
		d.take(c, d.wire)
	}
	d.act()
	for _, c := range d.clients {
		d.wire = d.sent(c, d.wire[:0])
	}
	d.dirty = d.dirty[:0]
}

// sent takes c's output.
func (d *desk) sent(c *conn, to []byte) []byte {
	for _, part := range c.out.parts {
		to = append(to, part.data...)
	}
	c.out.sent(c.out.bytes, &d.pool)
	c.dirty = false
	return to
}

// asks is n requests of 16 bytes as a REQ sends them.
func asks(n int) (wire []byte) {
	for range n {
		wire = zmtp.AppendFrame(wire, true, nil)
		wire = zmtp.AppendFrame(wire, false, make([]byte, 16))
	}
	return wire
}

// BenchmarkTurn is what the compiler is told to make fast, too: see `make profile`.
func BenchmarkTurn(b *testing.B) {
	const clients, each = 8, 6
	d := newDesk(b, clients, 2)
	requests := asks(each)
	b.ReportAllocs()
	for b.Loop() {
		d.turn(requests)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients*each), "ns/request")
	d.answeredAll(b)
}

// The buffers of a steady load are those of the turns before.
func TestTurnAllocatesNothing(t *testing.T) {
	d := newDesk(t, 8, 2)
	requests := asks(6)
	d.turn(requests)
	if n := testing.AllocsPerRun(100, func() { d.turn(requests) }); n != 0 {
		t.Errorf("%v allocations in a turn of 48 requests", n)
	}
	d.answeredAll(t)
}

func (d *desk) answeredAll(tb testing.TB) {
	tb.Helper()
	if got := d.count.Replies; got != d.count.Requests || got == 0 {
		tb.Fatalf("%d requests, %d replies", d.count.Requests, got)
	}
}
