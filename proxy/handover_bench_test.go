package proxy

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"testing"

	"github.com/zfleet/zfleet/proxy/handover"
)

// BenchmarkHandover hands 100,000 requests over that wait, of 100 bytes each: what a client's pause consists of when the queue is long.
func BenchmarkHandover(b *testing.B) {
	const requests = 100_000
	d := newDesk(b, 10, 0)
	for n := range requests {
		d.take(d.clients[n%len(d.clients)], wire("", strconv.Itoa(n), string(make([]byte, 100))))
	}
	conns := d.connections()
	b.ReportAllocs()
	for b.Loop() {
		from, to := net.Pipe()
		go func() {
			buffer := bufio.NewWriterSize(from, giveBuffer)
			if err := d.tellState(handover.NewWriter(buffer), conns, handover.Letters{}); err != nil {
				b.Error(err)
			}
			_ = buffer.Flush()
			_ = from.Close()
		}()
		l, err := newLoop(d.opts)
		if err != nil {
			b.Fatal(err)
		}
		in := bufio.NewReaderSize(to, giveBuffer)
		if err := l.restore(handover.NewReader(in), descriptorsOf(conns)); err != nil {
			b.Fatal(err)
		}
		if _, err := in.ReadByte(); err != io.EOF {
			b.Fatal(err)
		}
		if n := l.core.Waiting(); n != requests {
			b.Fatalf("%d requests", n)
		}
		l.conns = nil
		l.close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/requests, "ns/request")
}
