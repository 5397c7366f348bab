package main

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

// peer is a connection that says what no libzmq can be made to say. What becomes of what it writes is not its concern: the fleet may hang
// up on it, or end, at any time.
type peer struct {
	ctx  context.Context
	conn net.Conn
	scan zmtp.Scanner
	held []byte
	end  func() bool
}

func dial(ctx context.Context, endpoint string) (*peer, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		return nil, err
	}
	end := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return &peer{ctx: ctx, conn: conn, end: end}, nil
}

// join does the whole handshake with the NULL mechanism.
func join(ctx context.Context, endpoint, socketType string) (*peer, error) {
	p, err := dial(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10], greeting[11] = 0xff, 0x7f, 3, 1
	copy(greeting[12:], "NULL")
	ready := append([]byte("\x05READY\x0bSocket-Type\x00\x00\x00"), byte(len(socketType)))
	ready = append(ready, socketType...)
	p.write(greeting, append([]byte{4, byte(len(ready))}, ready...))
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(p.conn, greeting); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *peer) close() {
	p.end()
	_ = p.conn.Close()
}

func (p *peer) write(pieces ...[]byte) {
	_ = p.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = p.conn.Write(slices.Concat(pieces...))
}

// silence reads and drops what comes, for a while.
func (p *peer) silence(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if !p.read(end) {
			return
		}
		p.held = nil
	}
}

// doze does nothing, for a while.
func (p *peer) doze(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.ctx.Done():
	}
}

func (p *peer) read(end time.Time) bool {
	_ = p.conn.SetReadDeadline(end)
	b := make([]byte, 1<<16)
	n, err := p.conn.Read(b)
	p.held = append(p.held, b[:n]...)
	return err == nil
}

// order is the next request, within d; PINGs and probes before it are answered.
func (p *peer) order(d time.Duration) (order, bool) {
	for end := time.Now().Add(d); ; {
		item, err := p.scan.Next(p.held)
		if err != nil || (item.Kind == zmtp.None && !p.read(end)) {
			return order{}, false
		}
		got := p.held[item.Start:item.End]
		switch item.Kind {
		case zmtp.Command:
			if name, data, err := zmtp.ParseCommand(got); err == nil && name == zmtp.Ping {
				_, context, _ := zmtp.ParsePing(data)
				p.write(zmtp.AppendPong(nil, context))
			}
		case zmtp.Message:
			var r order
			for body := range zmtp.Frames(got) {
				r.frames = append(r.frames, string(body))
			}
			if len(r.frames) == 3 { // a request has its number, too
				p.write(r.reply())
				break
			}
			p.held = p.held[item.End:]
			return r, len(r.frames) > 3
		}
		p.held = p.held[item.End:]
	}
}

// order is a request as a worker gets it: token, envelope, "", and what was asked.
type order struct{ frames []string }

func (r order) token() uint64 { return binary.BigEndian.Uint64([]byte(r.frames[0])) }

func tokenOf(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// rest is the right reply, without its token.
func (r order) rest() []string {
	rest := slices.Clone(r.frames[1:])
	body := slices.Index(rest, "") + 1
	rest[body] = answerTo(rest[body])
	return rest
}

func (r order) reply() []byte { return message(r.frames[0], r.rest()...) }

// message is frames as they travel.
func message(first string, frames ...string) (wire []byte) {
	wire = zmtp.AppendFrame(wire, len(frames) > 0, []byte(first))
	for i, f := range frames {
		wire = zmtp.AppendFrame(wire, i < len(frames)-1, []byte(f))
	}
	return wire
}
