package launch

import (
	"cmp"
	"fmt"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// news is what an attendant finds out about its process.
type news interface{ news() }

type (
	// waitsNews: the start waits for this: "its handshake".
	waitsNews struct{ what string }
	// startedNews: the process did all that starting takes, and wants as many lanes at the proxy.
	startedNews struct{ lanes int }
	// healthNews: the reason says why it is not ready, "": it is. held: the last that it said itself is that it is not.
	healthNews struct {
		reason string
		held   bool
	}
	// silentNews: it is not alive; "": it is.
	silentNews struct{ reason string }
	// laneNews: how many lanes it has at the proxy, and whether there is a proxy to ask. stuck is why the proxy set one aside at
	// which it hung, "": none. unfit is why one of them does not answer its probes, "": they do.
	laneNews struct {
		up    int
		proxy bool
		stuck string
		unfit string
	}
	// failedNews: it can never become ready.
	failedNews struct{ err error }
)

func (waitsNews) news()   {}
func (startedNews) news() {}
func (healthNews) news()  {}
func (silentNews) news()  {}
func (laneNews) news()    {}
func (failedNews) news()  {}

// readiness puts together what a process needs to be ready, and tells when that changes.
type readiness struct {
	waits  string // what its start waits for; "": it has started
	health string // why its health check says that it is not ready
	held   bool   // it says so itself
	silent string // why it is not alive
	want   int    // lanes; 0: it needs none, and no proxy
	lanes  laneNews
	told   string // the reason that was told last
	ready  bool   // that it is ready was told last
}

// hear tells what comes of a piece of news, and whether the process is to get requests.
func (r *readiness) hear(n news, name fleet.Life, tell func(fleet.Event), hold func(bool)) {
	hung, before := "", r.dead()
	switch n := n.(type) {
	case waitsNews:
		r.waits = n.what
	case startedNews:
		r.waits, r.want = "", n.lanes
	case healthNews:
		r.health, r.held = n.reason, n.held
		hold(n.held)
	case silentNews:
		r.silent = cmp.Or(r.silent, n.reason)
		if n.reason == "" {
			r.silent = ""
		}
	case laneNews:
		if r.lanes.stuck == "" { // or else it was told
			hung = n.stuck
		}
		r.lanes = n
	}
	r.settle(name, tell)
	if hung != "" {
		tell(fleet.Hung{Life: name, Reason: hung})
	}
	if now := r.dead(); now != "" && now != before {
		tell(fleet.Hung{Life: name, Reason: now, Silent: true})
	}
}

// dead is why the process is not alive, as far as questions tell; "": it is.
func (r *readiness) dead() string { return cmp.Or(r.silent, r.lanes.unfit) }

// settle tells what changed. A reason that changes is news too: it is what a start that takes too long ends with.
func (r *readiness) settle(name fleet.Life, tell func(fleet.Event)) {
	switch reason := r.missing(); {
	case reason == "" && !r.ready:
		r.ready, r.told = true, ""
		tell(fleet.BecameReady{Life: name})
	case reason != "" && reason != r.told:
		r.ready, r.told = false, reason
		tell(fleet.BecameUnready{Life: name, Reason: reason, Declined: r.held && reason == r.health})
	}
}

// missing is why the process is not ready, "" if it is.
func (r *readiness) missing() string {
	switch {
	case r.waits != "":
		return "waits for " + r.waits
	case r.lanes.stuck != "":
		return r.lanes.stuck
	case r.dead() != "":
		return r.dead()
	case r.health != "":
		return r.health
	case r.want == 0:
		return ""
	case !r.lanes.proxy:
		return "the proxy is not there"
	case r.lanes.up == 0:
		return "not connected to the proxy"
	case r.lanes.up < r.want:
		return fmt.Sprintf("%d of %d connections to the proxy", r.lanes.up, r.want)
	}
	return ""
}
