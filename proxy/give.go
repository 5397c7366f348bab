package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/passfd"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/handover"
)

// ErrHandedOver is what Run returns when another process serves in this one's place. The listeners are its too: they are left, not closed.
var ErrHandedOver = errors.New("another process has taken over")

// A client waits while everything is handed over, and while it is found out that the new process does not take it.
const (
	giveStall   = 3 * time.Second // without a sign of the new process
	givePause   = 5 * time.Second // in all, and longer for
	giveSpeed   = 100 << 20       // so many bytes a second
	giveLetters = time.Second     // for the dead letters that are not on disk yet
	giveServed  = time.Second     // from Go until the new process serves
	giveBuffer  = 256 << 10
)

// giving is somebody who wants to take over.
type giving struct {
	conn   *net.UnixConn
	answer chan error // buffered
}

// handover gives everything to the process that asks.
func (p *Proxy) handover(w http.ResponseWriter, r *http.Request) {
	body, err := decode[handover.Ask](r)
	if err == nil {
		err = body.Check()
	}
	if err != nil {
		p.opts.Log.Warn().Err(err).Int("pid", body.Pid).Msg("not handed over")
		refuse(w, err)
		return
	}
	conn, err := control.Accepted(w, r)
	if err != nil {
		p.opts.Log.Warn().Err(err).Int("pid", body.Pid).Msg("not handed over")
		return
	}
	began, answer := time.Now(), make(chan error, 1)
	if err = p.loop.inbox.post(func(l *loop) { l.giving = append(l.giving, giving{conn, answer}) }); err == nil {
		failed, ended := hear(context.Background(), p, answer)
		err = errors.Join(failed, ended)
	}
	if err != nil {
		p.opts.Log.Warn().Err(err).Int("pid", body.Pid).Dur("paused", time.Since(began)).Msg("not handed over: this proxy goes on")
		_ = conn.SetDeadline(time.Now().Add(giveServed))
		_ = errors.Join(handover.NewWriter(conn).No(err), conn.Close()) // if it hears
		return
	}
	p.opts.Log.Info().Int("pid", body.Pid).Dur("paused", time.Since(began)).Msg("handed over: ending")
	_ = conn.SetReadDeadline(time.Now().Add(giveServed))
	_, _ = conn.Read(make([]byte, 1)) // it hangs up when it serves
	_ = conn.Close()
	close(p.followed)
}

// give tries those who want to take over, between two turns, when nothing is left to do or to tell.
func (l *loop) give() {
	asked := l.giving
	l.giving = nil
	for _, g := range asked {
		switch {
		case l.given:
			g.answer <- ErrHandedOver
			continue
		case l.ending > 0:
			g.answer <- errLeaving
			continue
		}
		stopped := l.now
		err := l.giveTo(g.conn)
		if l.given = err == nil; l.given {
			l.done = true
		} else {
			l.awaken(stopped)
			l.catchUp()
			l.settle()
		}
		g.answer <- err
	}
}

func (l *loop) giveTo(conn *net.UnixConn) error {
	letters, err := l.letters.still(giveLetters)
	if err != nil {
		return err
	}
	if err = l.tell(l.pacedTo(conn), letters); err != nil {
		l.letters.goOn()
	}
	return err
}

// tell is the giver's part of a hand-over. Up to Go it can end at any point.
func (l *loop) tell(to paced, letters handover.Letters) error {
	conns := l.connections()
	direct, in := handover.NewWriter(to), handover.NewReader(to)
	if err := direct.Say(handover.KindIntro, handover.Intro{
		Format: handover.Format, Parts: handover.Parts, Pid: os.Getpid(), Conns: len(conns),
	}); err != nil {
		return to.failed(err)
	}
	l.lent = true
	if err := passfd.Send(to.conn, descriptorsOf(conns)); err != nil {
		return to.failed(err)
	}
	buffer := bufio.NewWriterSize(to, giveBuffer)
	if err := errors.Join(l.tellState(handover.NewWriter(buffer), conns, letters), buffer.Flush()); err != nil {
		return to.failed(err)
	}
	if err := in.Expect(handover.KindReady, nil); err != nil {
		return to.failed(err)
	}
	if err := direct.Say(handover.KindGo, nil); err != nil {
		return to.failed(err)
	}
	return nil
}

// connections are those there are, in the order in which they are told.
func (l *loop) connections() (all []*conn) {
	for _, c := range l.conns {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

func descriptorsOf(conns []*conn) []int {
	fds := make([]int, len(conns))
	for i, c := range conns {
		fds[i] = c.fd
	}
	return fds
}

// paced is a connection to a process that may stand still: a write or a read fails when nothing moves for long, or the pause is over.
type paced struct {
	conn *net.UnixConn
	end  time.Time
}

// pacedTo allows time for what there is to tell. Of what lanes hold, most is in no outbox any more, and little beside what waits.
func (l *loop) pacedTo(conn *net.UnixConn) paced {
	bytes := l.core.WaitingBytes()
	for _, c := range l.connections() {
		bytes += int64(len(c.in) + c.out.bytes)
	}
	more := time.Duration(bytes/giveSpeed) * time.Second
	return paced{conn, time.Now().Add(givePause + more)}
}

func (p paced) deadline() time.Time {
	if stall := time.Now().Add(giveStall); stall.Before(p.end) {
		return stall
	}
	return p.end
}

func (p paced) Write(b []byte) (int, error) {
	_ = p.conn.SetDeadline(p.deadline())
	return p.conn.Write(b)
}

func (p paced) Read(b []byte) (int, error) {
	_ = p.conn.SetDeadline(p.deadline())
	return p.conn.Read(b)
}

// failed says what a broken connection means.
func (p paced) failed(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(p.end):
		return fmt.Errorf("cannot hand over in time: %w", err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("cannot hand over: the new process stands still: %w", err)
	case errors.Is(err, io.EOF), errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("cannot hand over: the new process is gone: %w", err)
	}
	return fmt.Errorf("cannot hand over: %w", err)
}

// awaken sets the clocks after a while in which nobody was listened to.
func (l *loop) awaken(stopped time.Duration) {
	l.now = time.Since(l.began)
	away := l.now - stopped
	l.core.Away(away)
	for _, ln := range l.lanes.list {
		ln.heartbeat.heard += away
		ln.heartbeat.pinged += away
	}
	for _, c := range l.shaking {
		c.until += away
	}
}

// catchUp reads what came meanwhile, before anybody is judged by the clock.
func (l *loop) catchUp() {
	for range 1 + l.open/len(l.poll.events) {
		events, err := l.poll.wait(0)
		if err != nil {
			l.fatal = err
		}
		for i := range events {
			l.happened(int(events[i].Fd), events[i].Events)
		}
	}
}
