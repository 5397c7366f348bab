package hostile

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

// attack is what one of several attackers does, again and again, with pauses: they have no more of the machine's time than the proxy has,
// and what is measured is how much of it they cost the proxy.
type attack struct {
	name      string
	attackers int
	pause     time.Duration
	once      func(t *testing.T, v *victim)
}

var attacks = []attack{
	{"come and go", 4, 5 * time.Millisecond, func(t *testing.T, v *victim) { _ = dial(t, v.frontend).Close() }},
	{"workers come and go", 2, 10 * time.Millisecond, func(t *testing.T, v *victim) {
		p := dial(t, v.backend)
		p.send(greetingOf(30))
		_ = p.Close()
	}},
	{"random bytes", 4, 5 * time.Millisecond, func(t *testing.T, v *victim) {
		b := make([]byte, 2000)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		for _, port := range []string{v.frontend, v.backend} {
			brief(t, port, b)
			brief(t, port, shaken("DEALER"), b)
		}
	}},
	{"large claims", 2, 10 * time.Millisecond, func(t *testing.T, v *victim) {
		for _, claim := range [][]byte{sized(long, 1<<63), sized(long, 1<<62), sized(long|more, maxMessage), sized(4|long, 1<<20)} {
			brief(t, v.frontend, shaken("DEALER"), claim)
		}
		brief(t, v.frontend, shaken("DEALER")[:64], sized(4|long, 1<<40)) // for READY
	}},
	{"byte by byte", 8, 50 * time.Millisecond, func(t *testing.T, v *victim) {
		p := dial(t, v.frontend)
		defer func() { _ = p.Close() }()
		for _, b := range append(shaken("REQ"), message("", "hello")...) {
			p.send([]byte{b})
			time.Sleep(time.Millisecond)
		}
	}},
	{"many frames", 2, 5 * time.Millisecond, func(t *testing.T, v *victim) {
		brief(t, v.frontend, shaken("DEALER"), repeat([]byte{more, 0}, 70_000))
	}},
	{"commands inside of messages", 2, 5 * time.Millisecond, func(t *testing.T, v *victim) {
		brief(t, v.frontend, shaken("DEALER"), message(string(make([]byte, 20_000)), "")[:20_009], repeat([]byte("\x04\x02\x01X"), 20_000))
	}},
	{"PINGs", 2, 5 * time.Millisecond, func(t *testing.T, v *victim) { brief(t, v.frontend, shaken("DEALER"), repeat(ping, 3000)) }},
	{"no envelope", 2, 5 * time.Millisecond, func(t *testing.T, v *victim) {
		brief(t, v.frontend, shaken("DEALER"), repeat(message("x"), 3000))
	}},
	{"wrong tokens", 2, 20 * time.Millisecond, func(t *testing.T, v *victim) {
		brief(t, v.backend, shaken("DEALER"), repeat(message("12345678", "", "x"), 3000))
	}},
}

// brief connects, says something and leaves.
func brief(t *testing.T, port string, pieces ...[]byte) {
	t.Helper()
	p := dial(t, port)
	p.send(pieces...)
	_ = p.Close()
}

func greetingOf(n int) []byte { return shaken("REP")[:n] }

func repeat(b []byte, n int) (all []byte) {
	for range n {
		all = append(all, b...)
	}
	return all
}

// launch attacks until the function that it returns is called.
func (a attack) launch(t *testing.T, v *victim) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range a.attackers {
		all.Go(func() {
			for ctx.Err() == nil {
				a.once(t, v)
				time.Sleep(slower * a.pause)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

const (
	window  = 150 * time.Millisecond
	atLeast = 0.5       // of the requests that a client gets through without attackers
	grown   = 100 << 20 // bytes that an attack may cost; the pool of idle buffers is 64 MiB of them
)

// served is how many requests a client gets through in a while.
func served(t *testing.T, client *peer) (n int) {
	t.Helper()
	for end := time.Now().Add(window); time.Now().Before(end); n++ {
		client.ask(t)
	}
	return n
}

// A client is served as before, beside each attack. On a busy machine a round may be unlucky; an attack that slows the proxy slows all of
// them.
func TestOthersAreServed(t *testing.T) {
	v := start(t)
	echo(t, v.backend)
	client := join(t, v.frontend, "REQ")
	served(t, client)
	before := v.resident()
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			best := 0.0
			for round := 0; round < 20 && best < atLeast; round++ {
				alone := served(t, client)
				stop := a.launch(t, v)
				beside := served(t, client)
				stop()
				best = max(best, float64(beside)/float64(max(alone, 1)))
			}
			t.Logf("%.2f of the requests, %d MiB", best, v.resident()>>20)
			if best < atLeast {
				t.Errorf("a client got %.2f of its requests through, at best", best)
			}
			if after := v.resident(); after > before+grown {
				t.Errorf("the proxy has %d MiB, and had %d", after>>20, before>>20)
			}
		})
	}
	if s := v.snapshot(); s.Counters.BadPeers == 0 || s.Counters.NoEnvelope == 0 || s.Counters.UnknownToken == 0 {
		t.Errorf("the attacks did not arrive: %+v", s.Counters)
	}
}

// An envelope of a thousand frames is unusual, and no attack.
func TestLongEnvelope(t *testing.T) {
	v := start(t)
	echo(t, v.backend)
	p := join(t, v.frontend, "DEALER")
	frames := make([]string, 1000)
	for i := range frames {
		frames[i] = "x"
	}
	wire := message(append(frames, "", "hello")...)
	p.send(wire)
	got, _, err := p.next()
	if err != nil || string(got) != string(wire) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if envelope, ok := zmtp.Envelope(got); !ok || envelope != 3002 {
		t.Errorf("an envelope of %d bytes", envelope)
	}
}
