package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// outcome is what clients see of a run, of its second half.
type outcome struct {
	took      []time.Duration // from arrival to reply, of those that are no errors; sorted
	failed    int             // replies that are
	ejections int             // in all of the run
}

// errors is how many percent of the replies are errors.
func (o outcome) errors() float64 {
	return 100 * float64(o.failed) / float64(max(o.failed+len(o.took), 1))
}

// sufferer is one dispatcher with unequal workers.
type sufferer struct {
	unequal
	load    load
	rtt     time.Duration
	core    *dispatch.Dispatcher[int32]
	clients []*dispatch.Client[int32]
	lanes   []*dispatch.Lane[int32]
	free    []time.Duration // by lane: when it has done all that was sent to it
	now     time.Duration
	under   replies
	out     outcome
}

// suffer simulates it: requests come from clients at random, and what a worker is asked first it answers first.
func suffer(u unequal, busy float64, s settings, cfg dispatch.Config) outcome {
	cfg.Queue = s.requests + 1
	x := &sufferer{
		unequal: u, rtt: s.rtt, core: dispatch.New[int32](cfg), free: make([]time.Duration, unequalLanes),
		load: newLoad(settings{lanes: unequalLanes - u.bad, requests: s.requests, seed: s.seed}, u.service, busy),
	}
	for range unequalClients {
		x.clients = append(x.clients, x.core.Join())
	}
	for i := range unequalLanes {
		lane := x.core.Up()
		lane.Data = int32(i)
		x.lanes = append(x.lanes, lane)
	}
	x.run(rand.New(rand.NewPCG(s.seed, 1)))
	slices.Sort(x.out.took)
	return x.out
}

func (x *sufferer) run(rng *rand.Rand) {
	arrivals := x.load.arrivals
	for next := 0; next < len(arrivals) || len(x.under) > 0; x.act() {
		arrives := next < len(arrivals) && (len(x.under) == 0 || arrivals[next] <= x.under[0].at)
		at := time.Duration(0)
		if arrives {
			at = arrivals[next]
		} else {
			at = x.under[0].at
		}
		if end, ok := x.core.Deadline(); ok && end < at {
			x.now = end
			continue
		}
		x.now = at
		if !arrives {
			x.reply(x.under.pop())
			continue
		}
		x.core.Request(x.now, x.clients[rng.IntN(len(x.clients))], int32(next), 0)
		next++
	}
}

func (x *sufferer) act() {
	for a, ok := x.core.Next(x.now); ok; a, ok = x.core.Next(x.now) {
		switch a.Kind {
		case dispatch.Ejected:
			x.out.ejections++
		case dispatch.Deliver:
			i := a.Lane.Data.(int32)
			x.free[i] = max(x.now+x.rtt/2, x.free[i]) + x.takes(a.Message, i)
			x.under.push(reply{x.free[i] + x.rtt - x.rtt/2, uint64(a.Token), a.Message, i})
		}
	}
}

func (x *sufferer) takes(id, lane int32) time.Duration {
	switch {
	case int(lane) >= x.bad:
		return x.load.services[id]
	case x.slower == 0:
		return failAfter
	}
	return time.Duration(float64(x.load.services[id]) * x.slower)
}

func (x *sufferer) reply(r reply) {
	failed := int(r.lane) < x.bad && x.slower == 0
	if failed {
		x.core.ReplyError(x.now, x.lanes[r.lane], dispatch.Token(r.token))
	} else {
		x.core.Reply(x.now, x.lanes[r.lane], dispatch.Token(r.token))
	}
	switch {
	case int(r.id) < len(x.load.arrivals)/2:
	case failed:
		x.out.failed++
	default:
		x.out.took = append(x.out.took, x.now-x.load.arrivals[r.id])
	}
}
