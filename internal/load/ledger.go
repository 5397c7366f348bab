package load

import "time"

// A request's number is unique in its gang. Numbers travel in the envelope, which a REP gives back as it is, so that a reply is known to
// its request whatever the service says.
type number uint64

// ledger is what a gang has sent and has no reply to.
type ledger struct {
	due  map[number]time.Duration // when it was due
	last number
}

func newLedger() *ledger { return &ledger{due: map[number]time.Duration{}} }

// sent notes a request that was due at a moment and gives its number.
func (l *ledger) sent(due time.Duration) number {
	l.last++
	l.due[l.last] = due
	return l.last
}

// answered takes the reply to n. It says when the request was due; doubled when it has been answered before; neither when there is no such
// request.
func (l *ledger) answered(n number) (due time.Duration, ok, doubled bool) {
	due, ok = l.due[n]
	if ok {
		delete(l.due, n)
		return due, true, false
	}
	return 0, false, n > 0 && n <= l.last
}
