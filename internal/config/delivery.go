package config

import (
	"errors"
	"strings"

	"github.com/zfleet/zfleet/internal/errorreply"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

func (p *parser) delivery(t *table, d *fleet.Delivery) {
	prefetch := p.prefetch(t, d)
	redeliver := "always"
	t.choice("redeliver", []string{"always", "never"}, &redeliver)
	d.Once = redeliver == "never"
	if d.Once && d.Prefetch > 1 {
		p.complain(prefetch.at, "prefetch must be 1 with redeliver = \"never\", or left out: what waits at a worker would be lost with it")
	}
	p.orNone(t, "timeout", soonest, &d.Timeout)
	p.orNone(t, "deadline", soonest, &d.Deadline)
	beat, ok := p.orNone(t, "heartbeat", soonest, &d.Heartbeat)
	most, given := t.duration("heartbeat_timeout", soonest, &d.HeartbeatTimeout)
	if d.HeartbeatTimeout <= d.Heartbeat && (ok || given) {
		if !given {
			most = beat
		}
		p.complain(most.at, "heartbeat_timeout (%s) must be more than heartbeat (%s)", formatDuration(d.HeartbeatTimeout), formatDuration(d.Heartbeat))
	}
	t.integer("attempts", 1, maxAttempts, &d.Attempts)
	t.integer("queue", 1, maxQueue, &d.Queue)
	t.size("queue_bytes", 1<<10, &d.QueueBytes)
	overflow := "block"
	t.choice("overflow", []string{"block", "reject"}, &overflow)
	d.Reject = overflow == "reject"
	t.size("max_message", 1<<10, &d.MaxMessage)
	t.size("client_buffer", 1<<10, &d.ClientBuffer)
	t.size("dead_letters", 0, &d.DeadLetters)
	p.orNone(t, "dead_letters_age", soonest, &d.DeadLettersAge)
	p.orNone(t, "eject", soonest, &d.Eject)
	t.percent("max_ejected", &d.MaxEjected)
	p.errorReply(t, &d.ErrorReply)
	t.done()
}

// errorReply is a template. Its complaint is about the place in it that there is not.
func (p *parser) errorReply(t *table, to *string) {
	v, ok := t.text("error_reply", "ERROR {code}", to)
	var unknown *errorreply.Unknown
	if _, err := errorreply.Parse(*to, ""); !ok || !errors.As(err, &unknown) {
		return
	}
	if at := strings.Index(p.text[v.at.start:v.at.end], unknown.Place); at >= 0 {
		v.at.start += at
		v.at.end = v.at.start + len(unknown.Place)
	}
	p.complain(v.at, "error_reply: %v", unknown)
}

// prefetch is "auto" or a number; 0 is auto in a Spec.
func (p *parser) prefetch(t *table, d *fleet.Delivery) value {
	v, ok := t.take("prefetch", "\"auto\" or integer")
	n, isNumber := v.raw.(int64)
	switch {
	case !ok || v.raw == "auto":
	case !isNumber || n < 1 || n > maxPrefetch:
		p.complain(v.at, "prefetch must be \"auto\", or from 1 to %d", maxPrefetch)
	default:
		d.Prefetch = int(n)
	}
	return v
}
