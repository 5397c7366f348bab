package proxy

import (
	"fmt"
	"time"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

// Heartbeats (RFC 37, Heartbeats) find workers that end without a word: stopped by a signal, or on a machine that is gone. They are for workers
// alone, and for those that announce ZMTP 3.1: a REQ of libzmq before 4.3.0 loses its connection for good at the first PING (libzmq issue
// 3060). A worker that hangs in its handler still answers them, from libzmq's own thread; Config.Timeout is for that.

// heartbeat is what a lane needs for them.
type heartbeat struct {
	heard  time.Duration // when bytes last moved, either way: a large message on its way is not silence
	pinged time.Duration
	able   bool // the peer knows PING
}

// beat sends PINGs that are due and drops lanes that were silent for too long.
func (l *loop) beat() {
	if l.opts.Heartbeat <= 0 || l.now < l.nextBeat {
		return
	}
	l.nextBeat = l.now + l.opts.Heartbeat/2
	for i := len(l.lanes.list) - 1; i >= 0; i-- { // backwards: drop takes the lane out of the list
		c := l.lanes.list[i].conn
		silent := l.now - c.lane.heartbeat.heard
		switch {
		case !c.lane.heartbeat.able || silent < l.opts.Heartbeat:
		case silent >= l.opts.HeartbeatTimeout:
			l.drop(c, fmt.Sprintf("silent for %v", silent.Round(time.Millisecond)))
		case l.now-c.lane.heartbeat.pinged >= l.opts.Heartbeat:
			c.lane.heartbeat.pinged = l.now
			l.out(c, zmtp.AppendPing(nil, 0, nil))
		}
	}
}

// moved notes that bytes came or went.
func (l *loop) moved(c *conn) {
	if c.lane != nil {
		c.lane.heartbeat.heard = l.now
	}
}
