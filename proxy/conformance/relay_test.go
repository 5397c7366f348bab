package conformance

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
)

// relay passes TCP on to an engine and watches what comes back: what a libzmq peer does below its API shows here.
type relay struct {
	endpoint string // where peers connect
	target   string
	cut      int           // the engine gets no more bytes than this in one write
	conns    atomic.Uint32 // accepted
	pongs    atomic.Uint32 // PONG commands from the engine
}

// How the relay cuts what a peer sends.
const (
	whole  = 1 << 16
	single = 1
)

func relayTo(t tester, target string, cut int) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	r := &relay{endpoint: "tcp://" + l.Addr().String(), target: strings.TrimPrefix(target, "tcp://"), cut: cut}
	go r.accept(l)
	return r
}

// accept ends when the listener is closed.
func (r *relay) accept(l net.Listener) {
	for {
		peer, err := l.Accept()
		if err != nil {
			return
		}
		r.conns.Add(1)
		engine, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = peer.Close()
			continue
		}
		go r.up(engine, peer)
		go r.down(peer, engine)
	}
}

// up carries a peer's bytes to the engine, cut up, until either is gone.
func (r *relay) up(engine, peer net.Conn) {
	defer func() { _ = engine.Close() }()
	buf := make([]byte, whole)
	for {
		n, err := peer.Read(buf)
		for piece := buf[:n]; len(piece) > 0; piece = piece[min(r.cut, len(piece)):] {
			if _, err := engine.Write(piece[:min(r.cut, len(piece))]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// down carries the engine's bytes to the peer and counts the PONGs. One that is cut in two by a read is not counted.
func (r *relay) down(peer, engine net.Conn) {
	defer func() { _ = peer.Close() }()
	_, _ = io.Copy(peer, io.TeeReader(engine, counter(func(b []byte) { r.pongs.Add(uint32(bytes.Count(b, []byte("\x04PONG")))) })))
}

// counter is a Writer that looks at what passes.
type counter func([]byte)

func (c counter) Write(b []byte) (int, error) {
	c(b)
	return len(b), nil
}
