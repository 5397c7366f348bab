package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/passfd"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/handover"
)

// takeTime is how long a hand-over may take in all. The other proxy gives up long before.
const takeTime = 2 * time.Minute

// TakeOver is New for a proxy that takes everything over from the one whose control socket is at path: connections with all that is under
// way on them, the queue, what workers have, counters. The listeners in the options may be duplicates of that one's. When it returns without
// an error the other process is ending and clients wait for Run. Else that goes on as if nothing had been, and so does everybody.
func TakeOver(ctx context.Context, opts Options, path string) (*Proxy, error) {
	opts = opts.withDefaults()
	p, err := New(opts)
	if err != nil {
		return nil, err
	}
	err = opts.DeadLetters.Usable()
	if err == nil {
		err = p.openControl(path)
	}
	if err == nil {
		err = p.loop.takeOver(ctx, control.Dial(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot take over from the proxy at %s: %w", path, err), p.discard())
	}
	return p, nil
}

// discard ends a proxy that never ran.
func (p *Proxy) discard() error {
	p.loop.close()
	if p.control == nil {
		return nil
	}
	return p.control.close()
}

func (l *loop) takeOver(ctx context.Context, from *control.Client) error {
	conn, err := from.Upgrade(ctx, control.PathHandover, handover.Ask{Format: handover.Format, Parts: handover.Parts, Pid: os.Getpid()})
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(takeTime))
	if err := l.hear(ctx, conn); err != nil {
		_ = conn.Close()
		return err
	}
	l.before = conn
	return nil
}

// hear is the taker's part of a hand-over. From Ready on it does not end with ctx: the other one may have said Go and have ended.
func (l *loop) hear(ctx context.Context, conn *net.UnixConn) error {
	out := handover.NewWriter(conn)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err := l.rebuild(conn)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = out.No(err) // so that the other one can say why
		return err
	}
	if err := out.Say(handover.KindReady, nil); err != nil {
		return err
	}
	err = handover.NewReader(conn).Expect(handover.KindGo, nil)
	if errors.Is(err, io.EOF) {
		err = errors.New("it has hung up")
	}
	return err
}

// rebuild makes this loop as the other one is, and stands ready.
func (l *loop) rebuild(conn *net.UnixConn) error {
	var intro handover.Intro
	if err := handover.NewReader(conn).Expect(handover.KindIntro, &intro); err != nil {
		return err
	}
	if err := intro.Check(); err != nil {
		return err
	}
	if limit := descriptors(); intro.Conns > limit-ownFiles {
		return fmt.Errorf("it has %d connections, and the limit of open files is %d: raise it (ulimit -n)", intro.Conns, limit)
	}
	fds, err := passfd.Receive(conn, intro.Conns)
	if err != nil {
		return err
	}
	if err := l.restore(handover.NewReader(bufio.NewReaderSize(conn, giveBuffer)), fds); err != nil {
		passfd.CloseAll(fds)
		l.conns = nil
		return err
	}
	return l.attach()
}

// attach has the connections watched. Nothing is read of them before the loop runs.
func (l *loop) attach() error {
	if l.quiet {
		l.deafen(frontend)
	}
	for _, c := range l.connections() {
		c.interest = l.wanted(c)
		if err := l.poll.add(c.fd, c.interest); err != nil {
			return err
		}
	}
	return nil
}

// begin serves what was taken over: it goes on with what was read already, and with what is to be sent.
func (l *loop) begin() {
	stopped := l.now
	l.awaken(stopped)
	for _, c := range l.connections() {
		if c.out.bytes > 0 {
			l.mark(c)
		}
		l.goOn(c)
	}
	for _, ln := range l.lanes.list {
		if !ln.told {
			l.lanes.resolver.ask(ln.conn.fd, ln.id)
		}
	}
	l.catchUp()
	l.settle()
	l.log.Info().Int("connections", l.open).Int("queued", l.core.Waiting()).Int("inflight", l.core.Outstanding()).
		Dur("paused", l.now-stopped).Msg("took over from another proxy")
	_ = l.before.Close() // it may end
	l.before = nil
}

// elapsed is the time since the loop began.
func (l *loop) elapsed() time.Duration { return time.Since(l.began) }

// cutOff shuts a connection down where another process may have it too: closed here alone, it would go on.
func (l *loop) cutOff(c *conn) {
	if l.lent {
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
	}
}
