package launch

import (
	"context"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
)

const (
	nameTimeout = 2 * time.Second        // for the proxy to take a name
	nameRetry   = 200 * time.Millisecond // before it is told again
)

// recogniseAll looks at the lanes that came up before their process was known.
func (r *roster) recogniseAll() {
	for _, lane := range r.lanes {
		r.recognise(lane)
	}
}

// recognise finds the worker of a lane that has no name and tells it to the proxy. The lane counts when the proxy has taken it: without
// it the worker could not be drained.
func (r *roster) recognise(lane control.Lane) {
	if lane.Worker != "" || r.naming[lane.ID] {
		return
	}
	if name := r.owner(lane); name != "" {
		r.naming[lane.ID] = true
		r.name(namedSaid{stream: r.stream, lane: lane.ID, name: name}, 0)
	}
}

// owner is the worker that a lane belongs to by its name, or else by its process; "" if none.
func (r *roster) owner(lane control.Lane) string {
	if lane.Worker != "" || lane.Pid == 0 {
		return lane.Worker
	}
	groups := make(map[int]string, len(r.members))
	for name, m := range r.members {
		if m.pgid != 0 {
			groups[m.pgid] = name
		}
	}
	return workerOf(lane.Pid, groups)
}

// name tells the proxy, after a while, and hears what it says.
func (r *roster) name(s namedSaid, after time.Duration) {
	r.busy.Go(func() {
		sleep(s.stream, after)
		if s.stream.Err() != nil {
			return
		}
		ctx, cancel := context.WithTimeout(s.stream, nameTimeout)
		defer cancel()
		s.err = r.tellName(ctx, s.lane, s.name)
		r.say(s)
	})
}

// named counts the lane for its worker, or tries again while both are there.
func (r *roster) named(s namedSaid) {
	if s.stream.Err() != nil {
		return
	}
	lane, up := r.lanes[s.lane]
	_, joined := r.members[s.name]
	switch {
	case !up:
	case !joined:
		delete(r.naming, s.lane)
	case s.err != nil:
		r.log.Warn().Str("worker", s.name).Uint64("lane", s.lane).Err(s.err).
			Msg("cannot tell the proxy whose connection this is, trying again")
		r.name(s, nameRetry)
	default:
		lane.Worker = s.name
		r.lanes[s.lane] = lane
	}
}
