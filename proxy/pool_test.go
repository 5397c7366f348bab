package proxy

import "testing"

func TestPoolClasses(t *testing.T) {
	p := pool{keep: 64 << 20}
	for _, n := range []int{0, 1, 64, 65, 128, 4096, 4097, 1 << 24, 1<<24 + 1} {
		b := p.get(n)
		if len(b) != 0 || cap(b) < n {
			t.Errorf("get(%d) has length %d and capacity %d", n, len(b), cap(b))
		}
		if n >= 64 && n <= 1<<24 && cap(b) >= 2*n {
			t.Errorf("get(%d) has capacity %d", n, cap(b))
		}
	}
}

func TestPoolKeepsAndTrims(t *testing.T) {
	p := pool{keep: 10 << 10}
	first := p.get(1000)
	p.put(first)
	if again := p.get(1024); &again[:1][0] != &first[:1][0] {
		t.Error("a buffer that came back was not used again")
	}
	p.put(first)
	for range 100 {
		p.put(make([]byte, 0, 1024))
	}
	p.put(make([]byte, 0, 1000)) // not one of ours
	if p.idle != 10<<10 {
		t.Errorf("%d bytes lie idle, at most %d may", p.idle, p.keep)
	}
	for range 10 {
		p.trim()
	}
	if p.idle != 0 {
		t.Errorf("%d bytes lie idle after trimming", p.idle)
	}
}

func TestPoolMessages(t *testing.T) {
	p := pool{keep: 1 << 20}
	m := p.copied([]byte("hello"))
	m.refs++
	p.release(m)
	if string(m.data) != "hello" {
		t.Error("released while somebody holds it")
	}
	p.release(m)
	if m.data != nil || p.idle != 64 {
		t.Errorf("not released: %q, %d bytes idle", m.data, p.idle)
	}
	if allocs := testing.AllocsPerRun(100, func() { p.release(p.copied([]byte("hello"))) }); allocs != 0 {
		t.Errorf("%v allocations a message", allocs)
	}
}
