package dispatch

import "time"

// Client is one connection on the frontend. Its pointer is its name; it must not be used after Leave.
type Client[M any] struct {
	Data any // the shell's own; a string or a fmt.Stringer is shown by Describe. Leave forgets it

	all  node[Client[M]] // in Dispatcher.clients
	turn node[Client[M]] // in Dispatcher.turns while a request waits
	held node[Client[M]] // in one of the gates' lists, unless open

	id          uint64
	queue       list[request[M]] // waiting, oldest first
	waiting     int
	bytes       int64
	outstanding int
	gate        gate
	usual       usual
	left        bool // kept by its running requests alone
}

// Waiting returns how many of the client's requests wait for a lane.
func (c *Client[M]) Waiting() int { return c.waiting }

// Outstanding returns how many of the client's requests are at a lane.
func (c *Client[M]) Outstanding() int { return c.outstanding }

// Join adds a client.
func (d *Dispatcher[M]) Join() *Client[M] {
	d.joined++
	d.nclients++
	c := &Client[M]{id: d.joined}
	c.all.owner, c.turn.owner, c.held.owner = c, c, c
	c.queue.init()
	d.clients.pushBack(&c.all)
	return c
}

// Leave removes a client. Its waiting requests, and failed ones that Next has not told yet, come back as Discard; the replies of its
// running ones come back without a client. No action names the client after this; the pointer must not be used again.
func (d *Dispatcher[M]) Leave(c *Client[M]) {
	d.nclients--
	d.endWaiting(c)
	c.all.unlink()
	c.held.unlink()
	c.left, c.Data = true, nil
}

// Request queues a message of size bytes from c. It is always taken, because the shell has read it; when the queue is full, Next says whom
// to stop reading from. With Config.Reject nobody is stopped: a request that finds the queue full, and another one of its client in it,
// comes back as Fail.
func (d *Dispatcher[M]) Request(now time.Duration, c *Client[M], m M, size int) {
	r := d.slab.get()
	r.message, r.client, r.size = m, c, size
	if d.cfg.Reject && c.waiting > 0 && d.Full() {
		r.cause = Rejected
		d.ended.pushBack(&r.node)
		return
	}
	d.arrive(now, r)
	c.queue.pushBack(&r.node)
	d.wait(r)
	if !d.cfg.Reject && c.waiting > 1 && d.Full() {
		d.pause(c)
	}
}

// wait counts a request that has come into its client's queue and gives the client a turn.
func (d *Dispatcher[M]) wait(r *request[M]) {
	d.count(r)
	if !r.client.turn.linked() {
		d.turns.pushBack(&r.client.turn)
	}
}

func (d *Dispatcher[M]) count(r *request[M]) {
	d.waiting++
	d.bytes += int64(r.size)
	r.client.waiting++
	r.client.bytes += int64(r.size)
}

// unwait takes the oldest request from the client whose turn it is.
func (d *Dispatcher[M]) unwait(c *Client[M]) *request[M] {
	r := c.queue.front()
	d.unqueue(r)
	if c.waiting > 0 { // behind the others
		c.turn.unlink()
		d.turns.pushBack(&c.turn)
	}
	return r
}

// unqueue takes a request out of its client's queue, and the turn from a client that has no other.
func (d *Dispatcher[M]) unqueue(r *request[M]) {
	c := r.client
	r.node.unlink()
	d.waiting--
	d.bytes -= int64(r.size)
	c.waiting--
	c.bytes -= int64(r.size)
	if c.waiting == 0 {
		c.turn.unlink()
		d.open(c)
	}
}
