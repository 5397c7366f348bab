package proxy

import (
	"bytes"
	"fmt"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// Probe is a request that asks a worker, over its own connection, whether it still answers: nothing else knows of a REP that hangs. No
// client has to do with it. Dispatch.Probe and its companions say when, and what it takes to fail.
type Probe struct {
	Payload []byte // the body, one frame
	Reply   []byte // the one frame that the worker has to answer with; empty: any reply will do
}

// probe sends a worker a probe.
func (l *loop) probe(a dispatch.Action[*message]) {
	c := a.Lane.Data.(*conn)
	wire := zmtp.AppendToken(nil, uint64(a.Token))
	wire = zmtp.AppendFrame(zmtp.AppendFrame(wire, true, nil), false, l.opts.Probe.Payload)
	l.out(c, wire)
}

// unanswered is a probe without an answer in time.
func (l *loop) unanswered(a dispatch.Action[*message]) {
	l.probeFailed(a.Lane.Data.(*conn).lane, a.Attempts, fmt.Sprintf("no reply in %v", l.opts.Dispatch.ProbeTimeout))
}

// probed takes the reply to a probe; false: token names none that this worker has. Wire is what follows the token.
func (l *loop) probed(c *conn, token dispatch.Token, wire []byte) bool {
	wrong := l.opts.Probe.wrong(wire)
	failures, well, ok := l.core.Probed(c.lane.core, token, wrong == "")
	switch {
	case !ok:
		return false
	case wrong != "":
		l.probeFailed(c.lane, failures, wrong)
	case well:
		l.probeWell(c.lane)
	}
	return true
}

// wrong says what is wrong with a reply, "": nothing.
func (p *Probe) wrong(wire []byte) string {
	n, ok := zmtp.Envelope(wire)
	if empty := zmtp.AppendFrame(nil, true, nil); !ok || !zmtp.HasEnvelope(wire, empty) {
		return "its reply came back in another envelope"
	}
	if len(p.Reply) == 0 {
		return ""
	}
	for body, more := range zmtp.Frames(wire[n:]) {
		if !more && bytes.Equal(body, p.Reply) {
			return ""
		}
		return "its reply is " + shown(body)
	}
	return "its reply cannot be read" // the scanner has cut it: there is a frame
}

// mostShown is how many bytes of a wrong reply are told.
const mostShown = 40

func shown(body []byte) string {
	if len(body) > mostShown {
		return fmt.Sprintf("%q…", body[:mostShown])
	}
	return fmt.Sprintf("%q", body)
}

// probeFailed tells of a failure. A worker of nobody's that has failed often enough gets no requests, keeps its connection and is probed on:
// who hangs would not notice an end of it, as with a stuck one. One that is supervised is for its supervisor to end. When all of them answer
// what nobody expected, that is not their fault, and requests go on.
func (l *loop) probeFailed(ln *lane, failures int, why string) {
	reason := fmt.Sprintf("probe failed %d/%d: %s", failures, l.opts.Dispatch.ProbeFailures, why)
	if l.core.Unfit(ln.core) {
		if ln.unfit == "" {
			l.reports.warn("a worker has failed its probes", reason, ln.peer)
		}
		ln.unfit = reason
		l.lanes.holdOne(l, ln)
	}
	l.lanes.probeTold(ln, control.ProbeFailed, reason)
}

func (l *loop) probeWell(ln *lane) {
	if ln.unfit != "" {
		l.reports.info("a worker that had failed its probes has answered one", ln.peer)
	}
	ln.unfit = ""
	l.lanes.holdOne(l, ln)
	l.lanes.probeTold(ln, control.ProbeWell, "")
}

func (s *lanes) probeTold(ln *lane, kind control.Kind, reason string) {
	if ln.told {
		s.tell(control.Event{Kind: kind, At: time.Now(), Lane: ln.view(), Reason: reason})
	}
}
