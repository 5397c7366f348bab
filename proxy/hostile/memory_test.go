package hostile

import (
	"bytes"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
)

// Who sends PINGs and does not read the PONGs is hung up on: they would have to be kept for ever.
func TestPingsWithoutReading(t *testing.T) {
	v := start(t)
	p := join(t, v.frontend, "DEALER")
	flood := bytes.Repeat(ping, 10_000)
	var err error
	for sent := 0; err == nil; sent += len(flood) {
		if sent > 1<<30 {
			t.Fatal("the proxy takes PINGs without end")
		}
		_, err = p.Write(flood)
	}
	v.until("it to be counted", func(s control.Snapshot) bool { return s.Counters.BadPeers == 1 && s.Clients == 0 })
}

// PINGs whose answers are read may come without end.
func TestPingsAreAnswered(t *testing.T) {
	v := start(t)
	p := join(t, v.frontend, "DEALER")
	go p.send(bytes.Repeat(ping, 50_000))
	for range 50_000 {
		if _, command, err := p.next(); err != nil || !command {
			t.Fatal(err)
		}
	}
}

// A header's promise costs the proxy next to nothing, however many make it.
func TestClaimsCostNothing(t *testing.T) {
	v := start(t)
	before := v.snapshot().Heap
	for range 400 {
		join(t, v.frontend, "DEALER").send(sized(long, maxMessage-9))
	}
	time.Sleep(50 * time.Millisecond) // for the last ones to be read; if they are not, less is measured
	if after := v.snapshot().Heap; after > before+120<<20 {
		t.Errorf("the heap has %d MiB, and had %d", after>>20, before>>20)
	}
}

// A message of many frames is read in time that goes with its size, not with the square of it.
func TestManyFramesAreReadInTime(t *testing.T) {
	v := start(t)
	for name, wire := range map[string][]byte{
		"frames":              bytes.Repeat(message("", string(make([]byte, 900)), "")[:2+903], 60_000),
		"frames and commands": bytes.Repeat(append(message("", string(make([]byte, 5000)), "")[:2+5009], "\x04\x02\x01X"...), 10_000),
	} {
		before := v.worked()
		p := join(t, v.frontend, "DEALER")
		for len(wire) > 0 { // in pieces, so that it is not all read at once
			n := min(len(wire), 60_000)
			if _, err := p.Write(wire[:n]); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			wire = wire[n:]
		}
		p.send(message("", "end"))
		requests := v.snapshot().Counters.Requests
		await.Until(t, name, func() bool { return v.snapshot().Counters.Requests > requests || v.snapshot().Queued > 0 })
		_ = p.Close()
		v.until("the request to be gone", func(s control.Snapshot) bool { return s.Queued == 0 })
		if took := v.worked() - before; took > slower*2*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// Clients that ask without end and do not read cost what client_buffer and queue_bytes allow, and no more.
func TestRepliesThatNobodyReads(t *testing.T) {
	v := start(t)
	echo(t, v.backend)
	before := v.resident()
	client := join(t, v.frontend, "REQ")
	big := message("", string(make([]byte, 400<<10)))
	for range 10 {
		p := join(t, v.frontend, "DEALER")
		go func() {
			for {
				if _, err := p.Write(big); err != nil {
					return
				}
			}
		}()
	}
	for range 200 {
		client.ask(t)
	}
	if after, most := v.resident(), 10*clientBuffer+queueBytes+grown; after > before+most {
		t.Errorf("the proxy has %d MiB, and had %d", after>>20, before>>20)
	}
}

// Workers that take requests and never read cost those requests a timeout.
func TestWorkersThatNeverRead(t *testing.T) {
	v := start(t, timeout+"=1s")
	for range 5 {
		join(t, v.backend, "REP")
	}
	v.until("the lanes", func(s control.Snapshot) bool { return len(s.Lanes) == 5 })
	echo(t, v.backend)
	client := join(t, v.frontend, "REQ")
	for range 20 {
		client.ask(t)
	}
	if s := v.snapshot(); s.Counters.Stuck == 0 || s.Counters.Failed != 0 {
		t.Errorf("counters %+v", s.Counters)
	}
}
