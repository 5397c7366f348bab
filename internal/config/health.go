package config

import "github.com/zfleet/zfleet/supervisor/fleet"

// dumpSignals are those that some runtime answers with a stack dump, or can be told to.
var dumpSignals = []string{"SIGQUIT", "SIGABRT", "SIGUSR1", "SIGUSR2", noSignal}

const noSignal = "none"

func (p *parser) health(t *table, s *fleet.Service) {
	h := &s.Health
	if s.Workers.Plugin == "" {
		h.DumpSignal = "SIGABRT" // what Python's faulthandler answers; Go's runtime does too
	}
	t.choice("dump_signal", dumpSignals, &h.DumpSignal)
	if h.DumpSignal == noSignal {
		h.DumpSignal = ""
	}
	t.duration("interval", soonest, &h.Interval)
	t.duration("timeout", soonest, &h.Timeout)
	t.integer("failures", 1, maxFailures, &h.Failures)
	t.share("max_unhealthy", maxWorkers, &h.MaxUnhealthy)
	h.Ready = fleet.Check{Interval: h.Interval, Timeout: h.Timeout, Failures: 1, Successes: 1}
	ready := t.table("ready")
	question(ready, &h.Ready)
	ready.integer("successes", 1, maxFailures, &h.Ready.Successes)
	ready.done()
	h.Alive = fleet.Check{Interval: h.Interval, Timeout: h.Timeout, Failures: h.Failures, Successes: 1}
	alive := t.table("alive")
	question(alive, &h.Alive)
	alive.done()
	p.probe(t, h)
	t.done()
}

// question reads how one of them is asked.
func question(t *table, c *fleet.Check) {
	t.duration("interval", soonest, &c.Interval)
	t.duration("timeout", soonest, &c.Timeout)
	t.integer("failures", 1, maxFailures, &c.Failures)
}

// maxProbe is how many bytes of a probe, or of its reply, a proxy is given on its command line.
const maxProbe = 4 << 10

func (p *parser) probe(t *table, h *fleet.Health) {
	probe, _ := t.text("probe", "ping", &h.Probe)
	reply, hasReply := t.text("reply", "pong", &h.Reply)
	for _, v := range []value{probe, reply} {
		if s, _ := v.raw.(string); len(s) > maxProbe {
			p.complain(v.at, "a probe and its reply can have up to %s", formatSize(maxProbe))
		}
	}
	if hasReply && h.Probe == "" {
		p.complain(reply.at, "reply is what a worker answers to a probe: write probe = \"…\" as well")
	}
}
