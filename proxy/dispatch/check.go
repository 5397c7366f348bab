package dispatch

import "fmt"

// Check says where the books do not agree with each other: a count with its list, a lane with its bucket, the requests in memory with those
// that wait, run or have ended. It is for tests and simulations, and takes time in proportion to everything.
func (d *Dispatcher[M]) Check() error {
	var sum tally
	for c := d.clients.front(); c != nil; c = c.all.next.owner {
		sum.clients++
		sum.waiting += c.waiting
		sum.bytes += c.bytes
		if err := c.check(); err != nil {
			return err
		}
	}
	for l := d.lanes.front(); l != nil; l = l.all.next.owner {
		sum.lanes++
		sum.outstanding += l.outstanding
		if err := d.checkLane(l); err != nil {
			return err
		}
	}
	if err := d.checkStandings(); err != nil {
		return err
	}
	if books := (tally{d.nclients, d.nlanes, d.waiting, d.outstanding, d.bytes}); books != sum {
		return fmt.Errorf("the totals are %+v, the sums %+v", books, sum)
	}
	if live, known := d.slab.live(), d.waiting+d.outstanding+d.ended.len(); live != known {
		return fmt.Errorf("%d requests are in memory, %d are known", live, known)
	}
	return nil
}

// tally is what Check adds up.
type tally struct {
	clients, lanes, waiting, outstanding int
	bytes                                int64
}

func (c *Client[M]) check() error {
	if n := c.queue.len(); n != c.waiting || c.turn.linked() != (n > 0) || c.left {
		return fmt.Errorf("client %s counts %d waiting and has %d; turn %t, left %t", label(c.Data, c.id), c.waiting, n, c.turn.linked(), c.left)
	}
	return nil
}

func (d *Dispatcher[M]) checkLane(l *Lane[M]) error {
	n, room := l.held.len(), l.hasRoom()
	if idle := n == 0 && !l.draining && !l.Aside(); d.cfg.Probe > 0 && idle != l.pulse.linked() || l.probe != 0 && n > 0 {
		return fmt.Errorf("lane %s waits for a probe: %t; holds %d, has a probe: %t", label(l.Data, l.id), l.pulse.linked(), n, l.probe != 0)
	}
	if l.Aside() && (n > 0 || l.stuck || l.clock.linked() || len(l.owed) > MaxPrefetch) {
		return fmt.Errorf("lane %s is set aside and holds %d; owes %d, stuck %t, timed %t",
			label(l.Data, l.id), n, len(l.owed), l.stuck, l.clock.linked())
	}
	if n == l.outstanding && room == (l.bucket >= 0) && (!room || l.bucket == n && l.behind == l.doubted) {
		return nil
	}
	return fmt.Errorf("lane %s counts %d and holds %d of %d; %s, bucket %d",
		label(l.Data, l.id), l.outstanding, n, l.Allowance(), l.state(), l.bucket)
}

// checkStandings adds up again what is known of how well the lanes work.
func (d *Dispatcher[M]) checkStandings() error {
	var jury jury
	var able, ejected int
	for l := d.lanes.front(); l != nil; l = l.all.next.owner {
		if l.juror {
			jury.count(&l.standing, 1)
		}
		if l.able {
			able++
		}
		if l.fault != 0 {
			ejected++
		}
		if d.cfg.Eject > 0 && l.able != l.Able() || (l.fault != 0) != l.term.linked() || l.fault != 0 && (l.juror || !l.able) ||
			(l.fault != l.told) != l.news.linked() {
			return fmt.Errorf("lane %s is ejected for %d until %v, listed %t; able %t, juror %t",
				label(l.Data, l.id), l.fault, l.until, l.term.linked(), l.able, l.juror)
		}
	}
	if jury != d.jury || able != d.able || ejected != d.nejected {
		return fmt.Errorf("%d lanes are able, %d ejected, the jury %+v; the books say %d, %d, %+v", able, ejected, jury, d.able, d.nejected, d.jury)
	}
	return nil
}
