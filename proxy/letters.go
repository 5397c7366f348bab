package proxy

import (
	"bytes"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// charge notes that a lane has ended, or hangs, with the request that it was at. Only requests that outlived a worker carry such notes.
func (l *loop) charge(ln *lane, reason string) {
	if l.letters == nil {
		return
	}
	m, since, ok := ln.core.Oldest()
	if !ok {
		return
	}
	m.attempts = append(m.attempts, dead.Attempt{
		Worker: ln.worker, Peer: ln.peer, Pid: ln.pid,
		Began: l.began.Add(since), Ended: time.Now(), Reason: reason,
	})
}

// bury makes a dead letter of a request that its workers ended with, whether or not its client has stayed: the handler may have run, and
// there was no reply.
func (l *loop) bury(a dispatch.Action[*message]) {
	if l.letters == nil || a.Cause != dispatch.AttemptsUsed && a.Cause != dispatch.LaneLost {
		return
	}
	m := a.Message
	letter := &dead.Letter{
		Service: l.opts.Service, Code: l.errorFor(a).Code, Template: l.opts.ErrorReply.String(),
		Arrived: l.began.Add(m.arrived), Died: time.Now(),
		Attempts: m.attempts, Envelope: m.envelope, Wire: takeWire(m),
	}
	if !l.letters.post(letter) {
		l.reports.warn("a dead letter is lost: those before it are not written yet", "", strings.Join(letter.Workers(), " "))
	}
}

// takeWire takes a message's bytes out of the pool, without copying them unless somebody else refers to them.
func takeWire(m *message) []byte {
	if m.refs > 1 {
		return bytes.Clone(m.data)
	}
	m.buffer = nil
	return m.data
}
