package main

import (
	"slices"
	"time"
)

// policy decides which lane works on a request. It calls send for what it has decided.
type policy interface {
	request(now time.Duration, id int32, send send)
	reply(now time.Duration, r reply, send send)
}

// send sends a request to a lane; the token comes back with the reply.
type send func(id, lane int32, token uint64)

// waits simulates one policy: a request comes to the proxy, is sent to a lane, waits there until the lane has done what was sent before,
// and its reply goes back. It returns how long the requests of the second half waited, sorted: from arrival to reply, less the service and
// one round trip.
func waits(l load, s settings, p policy) (waited []time.Duration) {
	free := make([]time.Duration, s.lanes) // when the lane has done all that was sent to it
	var now time.Duration
	var under replies
	send := func(id, lane int32, token uint64) {
		free[lane] = max(now+s.rtt/2, free[lane]) + l.services[id]
		under.push(reply{free[lane] + s.rtt - s.rtt/2, token, id, lane})
	}
	for next := 0; next < len(l.arrivals) || len(under) > 0; {
		if len(under) == 0 || next < len(l.arrivals) && l.arrivals[next] <= under[0].at {
			now = l.arrivals[next]
			p.request(now, int32(next), send)
			next++
			continue
		}
		r := under.pop()
		now = r.at
		if int(r.id) >= len(l.arrivals)/2 {
			waited = append(waited, now-l.arrivals[r.id]-l.services[r.id]-s.rtt)
		}
		p.reply(now, r, send)
	}
	slices.Sort(waited)
	return waited
}

// reply is one on its way to the proxy.
type reply struct {
	at       time.Duration
	token    uint64
	id, lane int32
}

func (r reply) before(o reply) bool { return r.at < o.at || r.at == o.at && r.id < o.id }

// replies is a heap, the next one first.
type replies []reply

func (h *replies) push(r reply) {
	*h = append(*h, r)
	a := *h
	i := len(a) - 1
	for up := (i - 1) / 2; i > 0 && r.before(a[up]); i, up = up, (up-1)/2 {
		a[i] = a[up]
	}
	a[i] = r
}

func (h *replies) pop() reply {
	a := *h
	first, last := a[0], a[len(a)-1]
	a = a[:len(a)-1]
	*h = a
	if len(a) == 0 {
		return first
	}
	i := 0
	for down := 1; down < len(a); down = 2*i + 1 {
		if down+1 < len(a) && a[down+1].before(a[down]) {
			down++
		}
		if !a[down].before(last) {
			break
		}
		a[i], i = a[down], down
	}
	a[i] = last
	return first
}
