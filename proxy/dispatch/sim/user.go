package sim

import (
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// user is who sits behind one client connection after the other.
type user struct {
	w         *world
	window    int           // requests it has under way at most: one is a REQ
	burst     int           // requests it sends at once
	think     time.Duration // before the next burst, about
	impatient bool          // asks again without an answer
	life      time.Duration // of a connection, about
	big       int           // bytes of a request at most

	client *client // nil while away
	unread []int   // sizes of requests that have come in and are not read, because the shell was told to pause
	open   int     // requests without an answer
	out    wire
}

func (w *world) newUser() *user {
	return &user{
		w:         w,
		window:    pick(w, 1, 1, 1, 10, 100, 1000),
		burst:     pick(w, 1, 1, 10, 300),
		think:     pick(w, 0, 20*time.Microsecond, time.Millisecond),
		impatient: w.chance(0.2),
		life:      pick(w, 2*time.Millisecond, 100*time.Millisecond, 10*time.Second),
		big:       pick(w, 0, 1, 100, 5000),
	}
}

func (u *user) connect() {
	if u.w.settling || u.client != nil {
		return
	}
	u.w.born++
	c := u.w.judge.join(u.w.born)
	u.client, u.unread, u.open = c, nil, 0
	u.out = wire{w: u.w}
	u.w.later(u.w.heavy(u.life/5), func() {
		if u.client == c {
			u.leave()
		}
	})
	u.ask()
}

// ask sends a burst, as much of it as the window allows, and comes back to it.
func (u *user) ask() {
	c := u.client
	if c == nil || u.w.settling {
		return
	}
	for range min(u.burst, u.window-u.open) {
		u.open++
		size := u.w.rng.IntN(u.big + 1)
		u.out.send(func() {
			if u.client == c {
				u.arrive(size)
			}
		})
	}
	if u.impatient {
		u.w.later(u.w.heavy(time.Millisecond), func() {
			if u.client == c {
				u.open = min(u.open, u.window-1)
				u.ask()
			}
		})
	}
}

// arrive is the shell's reading of one request.
func (u *user) arrive(size int) {
	if u.client.paused {
		u.unread = append(u.unread, size)
		return
	}
	u.w.judge.request(u.client, size)
	if u.w.judge.core.Full() && u.w.chance(0.5) {
		u.w.act()
	}
}

// read goes on after a pause. All that was read from the socket before is taken, as a shell does that has it in its buffer.
func (u *user) read() {
	sizes := u.unread
	u.unread = nil
	for i, size := range sizes {
		if u.client.paused {
			u.unread = sizes[i:]
			return
		}
		u.w.judge.request(u.client, size)
	}
}

// answer is a reply, or an error in its stead, on its way to the user.
func (u *user) answer() {
	c := u.client
	u.w.later(u.w.latency()+u.w.between(0, u.think), func() {
		if u.client == c {
			u.open = max(u.open-1, 0)
			u.ask()
		}
	})
}

// leave ends the connection, whatever is under way, and comes back some time.
func (u *user) leave() {
	if u.client == nil {
		return
	}
	u.w.judge.leave(u.client)
	u.client = nil
	u.w.later(u.w.heavy(50*time.Microsecond), u.connect)
}

// userAt is who sits behind a client.
func (w *world) userAt(c *dispatch.Client[*job]) *user {
	for _, u := range w.users {
		if u.client != nil && u.client.core == c {
			return u
		}
	}
	panic(fault("an action is for a client that is not there"))
}
