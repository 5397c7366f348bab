package dispatch

// Abort ends every request that has no outcome yet: Next gives them back as Fail, or as Discard where the client has left. Clients and
// lanes stay, draining ones are drained; a reply to an aborted request names nothing. It takes time in proportion to all clients and lanes
// and what the lanes hold.
func (d *Dispatcher[M]) Abort() {
	for l := d.lanes.front(); l != nil; l = l.all.next.owner {
		if l.outstanding > 0 { // an empty one that drains has been told, or is about to be
			d.endHeld(l)
		}
	}
	for c := d.clients.front(); c != nil; c = c.all.next.owner {
		d.endWaiting(c)
		d.open(c)
	}
}

// endWaiting takes a client's waiting requests to the ended ones.
func (d *Dispatcher[M]) endWaiting(c *Client[M]) {
	d.waiting -= c.waiting
	d.bytes -= c.bytes
	c.waiting, c.bytes = 0, 0
	c.turn.unlink()
	d.ended.take(&c.queue)
}

// endHeld takes what a lane holds to the ended requests.
func (d *Dispatcher[M]) endHeld(l *Lane[M]) {
	for r := l.held.front(); r != nil; {
		next := r.node.next.owner
		r.lane = nil
		r.client.outstanding--
		if r.late {
			d.slab.put(r)
		}
		r = next
	}
	d.outstanding -= l.outstanding
	l.outstanding = 0
	d.ended.take(&l.held)
	l.rest()
	d.place(l)
}
