package main

import (
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// dispatched is the real dispatcher, without bounds.
type dispatched struct {
	core    *dispatch.Dispatcher[int32]
	clients []*dispatch.Client[int32]
	lanes   []*dispatch.Lane[int32]
}

func newDispatched(s settings, prefetch int) *dispatched {
	d := &dispatched{core: dispatch.New[int32](dispatch.Config{Prefetch: prefetch, Queue: s.requests + 1})}
	for range s.clients {
		d.clients = append(d.clients, d.core.Join())
	}
	for i := range s.lanes {
		l := d.core.Up()
		l.Data = int32(i)
		d.lanes = append(d.lanes, l)
	}
	return d
}

func (d *dispatched) request(now time.Duration, id int32, send send) {
	d.core.Request(now, d.clients[int(id)%len(d.clients)], id, 0)
	d.act(now, send)
}

func (d *dispatched) reply(now time.Duration, r reply, send send) {
	if _, _, ok := d.core.Reply(now, d.lanes[r.lane], dispatch.Token(r.token)); !ok {
		panic("a good token is refused")
	}
	d.act(now, send)
}

func (d *dispatched) act(now time.Duration, send send) {
	for a, ok := d.core.Next(now); ok; a, ok = d.core.Next(now) {
		send(a.Message, a.Lane.Data.(int32), uint64(a.Token))
	}
}
