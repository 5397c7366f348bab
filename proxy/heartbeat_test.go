package proxy

import (
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
)

// A worker that falls silent is sent PINGs, and lost when it does not answer: what it held goes to another one.
func TestSilentWorker(t *testing.T) {
	s := serve(t, Options{Heartbeat: 20 * time.Millisecond, HeartbeatTimeout: time.Second})
	client, silent := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	client.send(wire("", "hello"))
	for pinged, asked := false, false; !pinged || !asked; {
		if _, name := silent.next(); name == "PING" {
			pinged = true
		} else {
			asked = true
		}
	}
	lively := join(t, s.backend, "REP")
	go lively.echoBeating()
	silent.closed()
	if got := client.recv(); got[1] != "hello" {
		t.Errorf("the client got %q", got)
	}
}

// A worker that answers PINGs is alive, however long its request takes; one of ZMTP 3.0 is never asked; no client ever is.
func TestWhoIsSentHeartbeats(t *testing.T) {
	s := serve(t, Options{Heartbeat: 50 * time.Millisecond, HeartbeatTimeout: time.Second})
	client, busy := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	old := dial(t, s.backend)
	g := greeting("NULL")
	g[11] = 0
	old.send(g, ready("REP"))
	s.until(t, "both lanes", func(s control.Snapshot) bool { return len(s.Lanes) == 2 })
	for began := time.Now(); time.Since(began) < 1500*time.Millisecond; {
		if _, name := busy.next(); name == "PING" {
			busy.send(command("PONG", nil))
		}
	}
	if snap := s.snapshot(t); len(snap.Lanes) != 2 || snap.Clients != 1 {
		t.Errorf("snapshot %+v", snap)
	}
	for name, p := range map[string]*rawPeer{"client": client, "worker of ZMTP 3.0": old} {
		p.skipReady(name)
		if err := p.SetReadDeadline(time.Now().Add(150 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := p.Read(make([]byte, 1)); n > 0 || err == nil || len(p.held) > 0 {
			t.Errorf("the %s was sent something", name)
		}
	}
}

// beating is the next message, while PINGs are answered.
func (p *rawPeer) beating() []string {
	for {
		frames, name := p.next()
		if name == "" {
			return frames
		}
		p.send(command("PONG", nil))
	}
}

// echoBeating answers one request with itself, and PINGs until it comes.
func (p *rawPeer) echoBeating() { p.sendBeside(wire(p.beating()...)) }

// skipReady skips what a peer that has not read yet was sent in its handshake.
func (p *rawPeer) skipReady(name string) {
	p.t.Helper()
	if name == "client" { // join has read it
		return
	}
	p.skip(64)
	if _, name := p.next(); name != "READY" {
		p.t.Errorf("got %q instead of READY", name)
	}
}
