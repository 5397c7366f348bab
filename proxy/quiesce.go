package proxy

import "time"

// quiesce takes no new requests and answers when every one that was read has been answered.
func (l *loop) quiesce(answer chan<- error) {
	l.emptied = append(l.emptied, answer)
	if l.quiet {
		return
	}
	l.quiet = true
	l.deafen(frontend)
	for _, c := range l.conns {
		if c != nil && c.side == frontend {
			l.watch(c)
		}
	}
}

// checkEmpty tells those who wait for it that nothing is left, and ends the loop when that is what it waits for.
func (l *loop) checkEmpty() {
	if l.core.Waiting()+l.core.Outstanding() > 0 || l.unsent() {
		return
	}
	for _, answer := range l.emptied {
		answer <- nil
	}
	l.emptied = nil
	l.done = l.ending > 0
}

// unsent says whether a client's reply is not with the kernel yet.
func (l *loop) unsent() bool {
	for _, c := range l.conns {
		if c != nil && c.client != nil && c.out.bytes > 0 {
			return true
		}
	}
	return false
}

// end empties the proxy and then ends the loop, after grace at the latest.
func (l *loop) end(grace time.Duration) {
	at := max(l.now+grace, 1)
	if l.ending > 0 {
		l.ending = min(l.ending, at)
		return
	}
	l.ending = at
	l.quiesce(make(chan error, 1))
}

// giveUp ends the loop with requests left over. They are answered with an error.
func (l *loop) giveUp() {
	l.done = true
	l.core.Abort()
	l.act()
	l.flush()
}
