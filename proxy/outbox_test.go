package proxy

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// What goes into an outbox comes out of the socket, in order and once, however little the socket takes at a time; then every buffer is
// back in the pool.
func TestOutboxSendsAllInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) }()
		p := pool{keep: 1 << 30}
		var o outbox
		var v vector
		var want bytes.Buffer // what has gone in and has not come out
		held := 0
		random := rand.NewChaCha8([32]byte{rapid.Byte().Draw(t, "seed")})
		body := func() []byte {
			b := make([]byte, rapid.SampledFrom([]int{1, 40, chunkSize, copyLimit, chunkFull, chunkFull + 1}).Draw(t, "size"))
			_, _ = random.Read(b) // never fails
			want.Write(b)
			return b
		}
		read := func(limit int) {
			b := make([]byte, limit)
			if n, err := unix.Read(fds[1], b); err == nil && !bytes.Equal(b[:n], want.Next(n)) {
				t.Fatal("bytes came out that did not go in, or in another order")
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"copy": func(*rapid.T) {
				o.copy(&p, body())
			},
			"refer": func(*rapid.T) {
				m := p.copied(body())
				o.refer(m, m.data)
				p.release(m)
				held++
			},
			"write": func(t *rapid.T) {
				if e := o.write(fds[0], &p, &v); e != 0 && e != errAgain {
					t.Fatal(e)
				}
			},
			"read": func(t *rapid.T) { read(rapid.IntRange(1, 200_000).Draw(t, "limit")) },
		})
		for want.Len() > 0 {
			_ = o.write(fds[0], &p, &v)
			read(1 << 20)
		}
		if o.bytes != 0 || len(o.parts) != 0 {
			t.Fatalf("%d bytes in %d parts are left over", o.bytes, len(o.parts))
		}
		if len(p.messages) > held || held > 0 && len(p.messages) == 0 {
			t.Fatalf("%d of %d messages are back", len(p.messages), held)
		}
	})
}

func TestOutboxDiscardReleases(t *testing.T) {
	p := pool{keep: 1 << 30}
	var o outbox
	m := p.copied(bytes.Repeat([]byte("x"), 1<<20))
	o.copy(&p, []byte("before"))
	o.refer(m, m.data)
	if m.refs != 2 {
		t.Errorf("%d references", m.refs)
	}
	o.discard(&p)
	if m.refs != 1 || o.bytes != 0 {
		t.Errorf("%d references, %d bytes", m.refs, o.bytes)
	}
	p.release(m)
	if p.idle != chunkSize+1<<20 {
		t.Errorf("%d bytes are back", p.idle)
	}
}
