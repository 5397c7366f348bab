package hostile

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

const patience = 30 * time.Second

// peer is a bare connection. Whether its bytes arrive is not its concern: the proxy may hang up on it.
type peer struct {
	net.Conn
	held []byte
	scan zmtp.Scanner
}

// dial tries again where the process, or the machine, has no connection left for a moment.
func dial(t *testing.T, address string) *peer {
	t.Helper()
	var conn net.Conn
	await.Until(t, "a connection", func() (ok bool) {
		var err error
		conn, err = net.Dial("tcp", address)
		return err == nil
	})
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	return &peer{Conn: conn}
}

// shaken is a whole handshake with the NULL mechanism.
func shaken(socketType string) []byte {
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10], greeting[11] = 0xff, 0x7f, 3, 1
	copy(greeting[12:], "NULL")
	ready := append([]byte("\x05READY\x0bSocket-Type\x00\x00\x00"), byte(len(socketType)))
	ready = append(ready, socketType...)
	return append(append(greeting, 4, byte(len(ready))), ready...)
}

// join is a peer whose handshake is done.
func join(t *testing.T, address, socketType string) *peer {
	t.Helper()
	p := dial(t, address)
	t.Cleanup(func() { _ = p.Close() })
	p.send(shaken(socketType))
	must(t, p.greeted())
	return p
}

func (p *peer) greeted() error {
	var greeting [64]byte
	if _, err := io.ReadFull(p, greeting[:]); err != nil {
		return err
	}
	if _, command, err := p.next(); err != nil || !command {
		return errors.Join(errors.New("no READY"), err)
	}
	return nil
}

func (p *peer) send(pieces ...[]byte) { _, _ = p.Write(slices.Concat(pieces...)) }

// next is the next message, as it travels, or command.
func (p *peer) next() (wire []byte, command bool, err error) {
	for {
		item, err := p.scan.Next(p.held)
		if err != nil {
			return nil, false, err
		}
		if item.Kind != zmtp.None {
			wire, p.held = p.held[item.Start:item.End], p.held[item.End:]
			return wire, item.Kind == zmtp.Command, nil
		}
		b := make([]byte, 1<<16)
		n, err := p.Read(b)
		if err != nil {
			return nil, false, err
		}
		p.held = append(p.held, b[:n]...)
	}
}

// message is frames as they travel.
func message(frames ...string) (wire []byte) {
	for i, f := range frames {
		wire = zmtp.AppendFrame(wire, i < len(frames)-1, []byte(f))
	}
	return wire
}

// sized is a long header that promises n bytes.
func sized(flags byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{flags}, n) }

const (
	more = 1
	long = 2
)

// ping is a PING, with as long a context as it may have.
var ping = zmtp.AppendPing(nil, 0, make([]byte, zmtp.MaxContext))

// echo starts a worker that sends back what it gets. When its connection ends it comes again: on a busy machine it can be too slow.
func echo(t *testing.T, address string) {
	t.Helper()
	p := join(t, address, "REP")
	go func() {
		for p.echo(); t.Context().Err() == nil; time.Sleep(10 * time.Millisecond) {
			if conn, err := net.Dial("tcp", address); err == nil {
				p = &peer{Conn: conn}
				context.AfterFunc(t.Context(), func() { _ = conn.Close() })
				if p.send(shaken("REP")); p.greeted() == nil {
					p.echo()
				}
			}
		}
	}()
}

// echo answers until the connection ends.
func (p *peer) echo() {
	_ = p.SetDeadline(time.Time{})
	for {
		wire, command, err := p.next()
		switch {
		case err != nil:
			return
		case command:
			p.send(zmtp.AppendPong(nil, nil))
		default:
			p.send(wire)
		}
	}
}

// ask is one request and its reply.
func (p *peer) ask(t *testing.T) {
	t.Helper()
	p.send(message("", "hello"))
	must(t, p.SetDeadline(time.Now().Add(patience)))
	wire, command, err := p.next()
	if err != nil || command || string(wire) != string(message("", "hello")) {
		t.Fatalf("got %q, %v", wire, err)
	}
}
