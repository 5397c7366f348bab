package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// patience is how long a test waits for what should happen.
const patience = 20 * time.Second

// served is a running proxy.
type served struct {
	*control.Client
	frontend, backend string // host:port
	stop              func() error
	control           string
}

// serve runs a proxy on ports of the kernel's choice until the test ends.
func serve(t *testing.T, opts Options) *served {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	fe, be := bind(t), bind(t)
	opts.Frontend, opts.Backend = []*endpoint.Listener{fe}, []*endpoint.Listener{be}
	opts.Control = filepath.Join(dir, "control")
	opts.Log = zerolog.New(zerolog.NewTestWriter(t))
	if opts.Grace == 0 {
		opts.Grace = time.Millisecond
	}
	p, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	s := run(t, p)
	await.Until(t, "the control socket", func() bool { _, err := s.Snapshot(t.Context()); return err == nil })
	return s
}

// run runs a proxy until the test ends, or another one takes over.
func run(t *testing.T, p *Proxy) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop := func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil && !errors.Is(err, ErrHandedOver) {
			t.Errorf("Run: %v", err)
		}
	})
	s := &served{Client: control.Dial(p.opts.Control), stop: stop, control: p.opts.Control}
	s.frontend, s.backend = address(p.opts.Frontend[0]), address(p.opts.Backend[0])
	t.Cleanup(s.Close)
	return s
}

func bind(t *testing.T) *endpoint.Listener {
	t.Helper()
	ep, err := endpoint.Parse("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := ep.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func address(ln *endpoint.Listener) string { return ln.Bound().String()[len("tcp://"):] }

// snapshot asks the proxy how it is.
func (s *served) snapshot(t *testing.T) control.Snapshot {
	t.Helper()
	snap, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// until waits for the proxy to be as ok says.
func (s *served) until(t *testing.T, what string, ok func(control.Snapshot) bool) {
	t.Helper()
	await.Until(t, what, func() bool { return ok(s.snapshot(t)) })
}

// rawPeer is a peer that does what a test tells it, down to the byte.
type rawPeer struct {
	net.Conn
	t    *testing.T
	scan zmtp.Scanner
	held []byte
}

// dial connects and does nothing more.
func dial(t *testing.T, address string) *rawPeer {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &rawPeer{Conn: conn, t: t}
}

// join connects as socketType by the NULL mechanism.
func join(t *testing.T, address, socketType string) *rawPeer {
	t.Helper()
	p := dial(t, address)
	p.send(greeting("NULL"), ready(socketType))
	p.skip(64)
	if _, name := p.next(); name != "READY" {
		t.Fatalf("got %q instead of READY", name)
	}
	return p
}

func greeting(mechanism string) []byte {
	g := make([]byte, 64)
	g[0], g[8], g[9], g[10], g[11] = 0xff, 1, 0x7f, 3, 1
	copy(g[12:32], mechanism)
	return g
}

// command is a short command frame.
func command(name string, data []byte) []byte {
	body := append([]byte{byte(len(name))}, name...)
	body = append(body, data...)
	return append([]byte{4, byte(len(body))}, body...)
}

func ready(socketType string) []byte { return command("READY", property("Socket-Type", socketType)) }

func property(name, value string) []byte {
	b := append([]byte{byte(len(name))}, name...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

// wire is a whole message.
func wire(frames ...string) (b []byte) {
	for i, f := range frames {
		b = zmtp.AppendFrame(b, i < len(frames)-1, []byte(f))
	}
	return b
}

func (p *rawPeer) send(parts ...[]byte) {
	p.t.Helper()
	for _, b := range parts {
		if _, err := p.Write(b); err != nil {
			p.t.Fatal(err)
		}
	}
}

// sendBeside sends while the test does something else.
func (p *rawPeer) sendBeside(parts ...[]byte) {
	go func() {
		for _, b := range parts {
			if _, err := p.Write(b); err != nil {
				p.t.Error(err)
			}
		}
	}()
}

func (p *rawPeer) skip(n int) {
	p.t.Helper()
	for len(p.held) < n {
		p.more()
	}
	p.held = p.held[n:]
}

func (p *rawPeer) more() {
	p.t.Helper()
	b := make([]byte, 1<<16)
	n, err := p.Read(b)
	if err != nil {
		p.t.Fatalf("cannot read from the proxy: %v", err)
	}
	p.held = append(p.held, b[:n]...)
}

// next is the next message, as its frames, or the name of the next command.
func (p *rawPeer) next() (frames []string, command string) {
	p.t.Helper()
	for {
		item, err := p.scan.Next(p.held)
		if err != nil {
			p.t.Fatal(err)
		}
		got := p.held[item.Start:item.End]
		switch item.Kind {
		case zmtp.Message:
			for body := range zmtp.Frames(got) {
				frames = append(frames, string(body))
			}
		case zmtp.Command:
			if command, _, err = zmtp.ParseCommand(got); err != nil {
				p.t.Fatal(err)
			}
		default:
			p.more()
			continue
		}
		p.held = p.held[item.End:]
		return frames, command
	}
}

// recv is the next message.
func (p *rawPeer) recv() []string {
	p.t.Helper()
	frames, command := p.next()
	if command != "" {
		p.t.Fatalf("got the command %s instead of a message", command)
	}
	return frames
}

// closed waits until the proxy has closed the connection.
func (p *rawPeer) closed() {
	p.t.Helper()
	b := make([]byte, 1<<16)
	for {
		if _, err := p.Read(b); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				p.t.Fatal("the proxy did not close the connection")
			}
			return
		}
	}
}
