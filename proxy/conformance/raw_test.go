package conformance

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// raw is a peer on a bare socket. It says what no libzmq can be made to say. Its ZMTP is written from RFC 37 and 23 and shares nothing
// with package zmtp.
type raw struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

// Bits of a frame's first byte (RFC 23, "Framing").
const (
	more    = 1
	long    = 2
	command = 4
)

// dial opens a bare connection to a tcp endpoint. Reads and writes on it have the test's patience.
func dial(t *testing.T, endpoint string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	return &raw{t, conn, bufio.NewReader(conn)}
}

// dialAs does the whole handshake with the NULL mechanism as a peer of ZMTP 3.minor.
func dialAs(t *testing.T, endpoint, socketType string, minor byte) *raw {
	t.Helper()
	r := dial(t, endpoint)
	r.write(greeting(minor), ready(socketType))
	r.greeted()
	return r
}

// greeted reads the engine's greeting and READY.
func (r *raw) greeted() {
	r.t.Helper()
	var g [64]byte
	_, err := io.ReadFull(r.in, g[:])
	must(r.t, err)
	if g[0] != 0xff || g[9] != 0x7f || g[10] != 3 || !bytes.HasPrefix(g[12:], []byte("NULL\x00")) {
		r.t.Fatalf("greeting %x", g)
	}
	if flags, body := r.frame(); flags&command == 0 || !bytes.HasPrefix(body, []byte("\x05READY")) {
		r.t.Fatalf("flags %d and %q instead of READY", flags, body)
	}
}

// greeting is the 64 bytes of a peer that speaks NULL (RFC 23, "The Greeting").
func greeting(minor byte) []byte {
	g := make([]byte, 64)
	g[0], g[9], g[10], g[11] = 0xff, 0x7f, 3, minor
	copy(g[12:], "NULL")
	return g
}

// ready is the READY command with a socket type and nothing else.
func ready(socketType string) []byte {
	body := append([]byte("\x05READY\x0bSocket-Type"), 0, 0, 0, byte(len(socketType)))
	return frame(command, append(body, socketType...))
}

// frame puts the header on a frame: a short one where it fits, unless flags say LONG.
func frame(flags byte, body []byte) []byte {
	if len(body) > 255 {
		flags |= long
	}
	if flags&long != 0 {
		return append(binary.BigEndian.AppendUint64([]byte{flags}, uint64(len(body))), body...)
	}
	return append([]byte{flags, byte(len(body))}, body...)
}

// wire is a message as it travels; flags are added to those of every frame.
func wire(flags byte, parts ...string) (out []byte) {
	for i, p := range parts {
		f := flags
		if i < len(parts)-1 {
			f |= more
		}
		out = append(out, frame(f, []byte(p))...)
	}
	return out
}

func (r *raw) write(pieces ...[]byte) {
	r.t.Helper()
	_, err := r.Write(bytes.Join(pieces, nil))
	must(r.t, err)
}

// frame reads one frame.
func (r *raw) frame() (flags byte, body []byte) {
	r.t.Helper()
	flags, body, err := r.tryFrame()
	if err != nil {
		r.t.Fatalf("no frame: %v", err)
	}
	return flags, body
}

func (r *raw) tryFrame() (flags byte, body []byte, err error) {
	if flags, err = r.in.ReadByte(); err != nil {
		return 0, nil, err
	}
	var size uint64
	if flags&long != 0 {
		err = binary.Read(r.in, binary.BigEndian, &size)
	} else {
		var short byte
		short, err = r.in.ReadByte()
		size = uint64(short)
	}
	if err != nil {
		return 0, nil, err
	}
	body = make([]byte, size)
	_, err = io.ReadFull(r.in, body)
	return flags, body, err
}

// recv reads one message and answers the PINGs before and in it.
func (r *raw) recv() (message [][]byte) {
	r.t.Helper()
	for {
		flags, body := r.frame()
		if flags&command != 0 {
			if ttl := len("\x04PING") + 2; bytes.HasPrefix(body, []byte("\x04PING")) {
				r.write(frame(command, append([]byte("\x04PONG"), body[ttl:]...)))
			}
			continue
		}
		message = append(message, body)
		if flags&more == 0 {
			return message
		}
	}
}

// ended reads until the engine has closed the connection.
func (r *raw) ended() {
	r.t.Helper()
	_, err := io.Copy(io.Discard, r.in)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		r.t.Fatal("the engine keeps the connection")
	}
}
