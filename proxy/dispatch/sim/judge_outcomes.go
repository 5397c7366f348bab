package sim

import "github.com/zfleet/zfleet/proxy/dispatch"

func (j *judge) failed(a dispatch.Action[*job], c *client) {
	q := a.Message
	j.count.Failed++
	if q.from != c {
		faultf("the failure of %v goes to %v, not %v", q, c, q.from)
	}
	if a.Cause == dispatch.Overdue {
		j.overdue(q)
	} else {
		j.told(q)
	}
	if a.Cause != q.cause || a.Attempts != q.strikes {
		faultf("%v fails for %s after %d; it is %s after %d", q, causes[a.Cause], a.Attempts, causes[q.cause], q.strikes)
	}
}

// discarded is for a client that has left: what waited or was lost, and what is overdue at a lane.
func (j *judge) discarded(q *job) {
	j.count.Dropped++
	switch {
	case !q.from.left:
		faultf("%v is discarded while %v waits for it", q, q.from)
	case q.state == running:
		j.overdue(q)
	default:
		j.told(q)
	}
}

// told is the outcome of a job for which it was due.
func (j *judge) told(q *job) {
	if q.state != ending {
		faultf("%v is given back, which %v", q, q.state)
	}
	q.state = ended
	j.ending--
}

// overdue takes a job whose time is up from where it is. Its lane does not know.
func (j *judge) overdue(q *job) {
	if j.cfg.Deadline == 0 || j.now-q.arrived < j.cfg.Deadline {
		faultf("%v is overdue after %v of %v", q, j.now-q.arrived, j.cfg.Deadline)
	}
	q.cause = dispatch.Overdue
	switch q.state {
	case waiting:
		j.dequeue(q)
		q.state = ended
	case running:
		q.state = late
	default:
		faultf("%v is overdue, which %v", q, q.state)
	}
}
