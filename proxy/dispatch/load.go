package dispatch

import "time"

// Load is how much there has been to do. Microseconds are counted in 64 bits: the nanoseconds of a long queue would be too many within days.
type Load struct {
	Oldest    time.Duration // since the oldest of the requests that wait arrived
	Delivered uint64        // requests, each once
	Waited    uint64        // microseconds from their arrival until they were delivered first, all added up
	Answered  uint64        // replies
	Busy      uint64        // microseconds that lanes have held something, all added up, lost ones too
	Working   int           // lanes that hold something
}

// Load returns how much there has been to do until now. It takes time in proportion to the lanes and what they hold. Call it when Next
// has nothing left.
func (d *Dispatcher[M]) Load(now time.Duration) Load {
	load := Load{Delivered: d.delivered, Waited: d.waited, Answered: d.answered, Busy: micros(d.goneBusy)}
	if r := d.oldest(); r != nil {
		load.Oldest = max(now-r.arrived, 0)
	}
	for l := d.lanes.front(); l != nil; l = l.all.next.owner {
		load.Busy += micros(l.Busy(now))
		if l.outstanding > 0 {
			load.Working++
		}
	}
	return load
}

// oldest returns the request that arrived first of those that wait, or nil. Older ones are at lanes.
func (d *Dispatcher[M]) oldest() *request[M] {
	if d.waiting == 0 {
		return nil
	}
	r := d.byAge.front()
	for r != nil && r.lane != nil {
		r = r.clock.next.owner
	}
	return r
}

// Busy returns how long the lane has held something.
func (l *Lane[M]) Busy(now time.Duration) time.Duration {
	if l.outstanding == 0 {
		return l.busy
	}
	return l.busy + max(now-l.since, 0)
}

func micros(d time.Duration) uint64 { return uint64(max(d, 0) / time.Microsecond) }
