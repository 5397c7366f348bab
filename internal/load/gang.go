package load

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// gang is a share of the clients, and the goroutine that they belong to.
type gang struct {
	opts     Options
	clients  int
	turn     int       // the client that sends next, in open loop
	schedule *schedule // in open loop
	ledger   *ledger
	tally    *tally
	progress *Progress
	digits   []byte // of the last payload
	wire     wire
	began    time.Time
	end      time.Duration // when nothing more is sent
	err      error         // of the first send that failed
}

// wire is the clients' sockets.
type wire interface {
	// send sends a request for a client. It does not wait.
	send(client int, n number, payload []byte) error
	// wait calls got for every reply until one or more have come, or for so long.
	wait(long time.Duration, got func(client int, n number, reply [][]byte)) error
}

// lookUp is how often a gang without replies looks whether it is to end.
const lookUp = 50 * time.Millisecond

// maxDigits is what the largest number has.
const maxDigits = 20

func newGang(opts Options, i, gangs, clients int, progress *Progress) *gang {
	g := &gang{opts: opts, clients: clients, ledger: newLedger(), tally: newTally(opts), progress: progress,
		digits: bytes.Repeat([]byte{'0'}, opts.Size), end: opts.Warmup + opts.Duration}
	if opts.Rate > 0 {
		g.schedule = share(opts.Rate, i, gangs, g.end)
	}
	return g
}

// run makes this gang's load and waits for the replies that are missing then. When ctx ends it waits for none.
func (g *gang) run(ctx context.Context, w wire, began time.Time) error {
	g.wire, g.began = w, began
	if g.schedule == nil {
		for i := range g.clients * g.opts.Outstanding {
			g.ask(i%g.clients, 0)
		}
	}
	for now := g.now(); g.err == nil && ctx.Err() == nil && !g.over(now); now = g.now() {
		if err := g.wire.wait(g.sendDue(now), g.got); err != nil {
			return err
		}
	}
	g.tally.ended = min(g.now(), g.end)
	g.tally.unanswered = len(g.ledger.due)
	return g.err
}

func (g *gang) now() time.Duration { return time.Since(g.began) }

// over says that all is sent, and answered or not waited for any more.
func (g *gang) over(now time.Duration) bool {
	return now >= g.end && (len(g.ledger.due) == 0 || now >= g.end+g.opts.Patience)
}

// sendDue sends all that is due in open loop, late as it may be, and says how long there is nothing more to send.
func (g *gang) sendDue(now time.Duration) time.Duration {
	if g.schedule == nil {
		return lookUp
	}
	for at, ok := g.schedule.next(); ok; at, ok = g.schedule.next() {
		if at > now {
			return min(at-now, lookUp)
		}
		g.schedule.take()
		g.ask(g.turn, at)
		g.turn = (g.turn + 1) % g.clients
	}
	return lookUp
}

// ask sends a client's next request, which was due at a moment.
func (g *gang) ask(client int, due time.Duration) {
	n := g.ledger.sent(due)
	if err := g.wire.send(client, n, g.payload(n)); err != nil && g.err == nil {
		g.err = fmt.Errorf("cannot send a request: %w", err)
	}
	g.progress.Outstanding.Add(1)
}

// payload of request n: what was asked for, or the last so many digits of its number. It is good until the next call.
func (g *gang) payload(n number) []byte {
	if g.opts.Payload != nil {
		return g.opts.Payload
	}
	for at := len(g.digits) - 1; at >= max(0, len(g.digits)-maxDigits); at-- {
		g.digits[at] = '0' + byte(n%10)
		n /= 10
	}
	return g.digits
}

// got takes one reply; in closed loop the client asks again at once.
func (g *gang) got(client int, n number, reply [][]byte) {
	now := g.now()
	due, ok, doubled := g.ledger.answered(n)
	switch {
	case doubled:
		g.tally.doubled++
	case !ok:
		g.tally.wrong++
		g.progress.Wrong.Add(1)
	default:
		g.progress.Outstanding.Add(-1)
		g.count(now, due, n, reply)
		if g.schedule == nil && now < g.end {
			g.ask(client, now)
		}
	}
}

// count tells what kind of reply it was.
func (g *gang) count(now, due time.Duration, n number, reply [][]byte) {
	switch {
	case isErrorReply(reply):
		g.tally.errors++
		g.progress.Errors.Add(1)
	case g.opts.Echo && (len(reply) != 1 || !bytes.Equal(reply[0], g.payload(n))):
		g.tally.wrong++
		g.progress.Wrong.Add(1)
	default:
		g.tally.answered(now, due)
		g.progress.Answered.Add(1)
	}
}

// isErrorReply recognises zfleet's own answers, see docs/delivery.md.
func isErrorReply(reply [][]byte) bool {
	return len(reply) == 1 && bytes.HasPrefix(reply[0], []byte(`{"zfleet":`))
}
