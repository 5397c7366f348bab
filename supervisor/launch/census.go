package launch

import (
	"context"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/prometheus/procfs"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// census is a service's workers that have a process, for those who measure them. Lives come and go in it while it is read, so it has a lock.
type census struct {
	mu      sync.Mutex
	present map[fleet.Life]*resident
}

// resident is a worker's process.
type resident struct {
	pgid  int
	files []stamp
	tally answers
}

func newCensus() *census { return &census{present: make(map[fleet.Life]*resident)} }

func (c *census) add(name fleet.Life, pgid int, files []stamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.present[name] = &resident{pgid: pgid, files: files}
}

func (c *census) remove(name fleet.Life) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.present, name)
}

// look is who is there now. A resident's tally is for one reader at a time.
func (c *census) look() map[fleet.Life]*resident {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.present)
}

// Measure finds out what the service's workers have done and how they are, as far as somebody wants to know. See supervisor.Launcher.
func (l *Launcher) Measure(ctx context.Context, svc fleet.Service) map[fleet.Life]fleet.Measure {
	home := l.homes.of(svc.Name)
	if home == nil {
		return nil
	}
	present := home.census.look()
	if svc.Workers.MaxRequests > 0 && len(present) > 0 {
		l.countAnswers(ctx, svc.Name, present)
	}
	var memory map[int]int64
	if svc.Workers.MemoryMax > 0 && len(present) > 0 {
		memory = memoryOfGroups()
	}
	measures := make(map[fleet.Life]fleet.Measure, len(present))
	for name, r := range present {
		measures[name] = fleet.Measure{Requests: r.tally.total(), Memory: memory[r.pgid], Stale: changed(r.files)}
	}
	return measures
}

// countAnswers asks the proxy. One that does not answer leaves all as it was.
func (l *Launcher) countAnswers(ctx context.Context, service string, present map[fleet.Life]*resident) {
	ctx, cancel := context.WithTimeout(ctx, l.bounds.ask)
	defer cancel()
	snapshot, err := l.Snapshot(ctx, service)
	if err != nil {
		return
	}
	lanes := make(map[string][]control.Lane)
	for _, lane := range snapshot.Lanes {
		lanes[lane.Worker] = append(lanes[lane.Worker], lane)
	}
	for name, r := range present {
		r.tally.see(lanes[name.String()])
	}
}

// answers is how many requests a worker has answered. The proxy counts by connection, also when another one takes over; a worker that connects
// again goes on counting here. What a lane answered after it was last seen is not counted.
type answers struct {
	before uint64 // by lanes that are gone
	lanes  map[seat]uint64
}

// seat names a lane over all proxies of a service: the same number means another one in a proxy that has not taken over from the one before.
type seat struct {
	lane  uint64
	since time.Time
}

func (a *answers) see(lanes []control.Lane) {
	now := make(map[seat]uint64, len(lanes))
	for _, lane := range lanes {
		now[seat{lane.ID, lane.Since.UTC()}] = lane.Answered
	}
	for s, n := range a.lanes {
		if _, still := now[s]; !still {
			a.before += n
		}
	}
	a.lanes = now
}

func (a *answers) total() uint64 {
	n := a.before
	for _, answered := range a.lanes {
		n += answered
	}
	return n
}

// memoryOfGroups is the bytes in memory (RSS) of each process group. Pages that processes of a group share count for each.
func memoryOfGroups() map[int]int64 {
	processes, err := procfs.AllProcs()
	if err != nil {
		return nil
	}
	groups, page := make(map[int]int64), int64(os.Getpagesize())
	for _, p := range processes {
		if stat, err := p.Stat(); err == nil { // or else it has just ended
			groups[stat.PGRP] += int64(stat.RSS) * page
		}
	}
	return groups
}
