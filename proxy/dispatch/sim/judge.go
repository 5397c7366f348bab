package sim

import (
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// judge stands between the world and the dispatcher. It knows what was said on both sides, and nothing of the dispatcher's inside. Its
// methods are the dispatcher's; they raise a fault at the first answer that is wrong.
type judge struct {
	cfg   dispatch.Config // defaults filled in
	core  *dispatch.Dispatcher[*job]
	now   time.Duration
	trace *trace
	count Result

	clients []*client
	lanes   []*lane
	timed   []*job // by arrival, with a deadline; the front one has no outcome yet
	tokens  map[dispatch.Token]bool

	waiting, running int
	bytes            int64
	ending           int // their outcome is fixed, and Next has not told it
	serial           int // counts what may decide whose turn it is
	jobs             int
}

func (j *judge) say(what string, job *job, c *client, l *lane, note string) {
	j.trace.add(event{j.now, what, job, c, l, note})
}

func (j *judge) join(id int) *client {
	c := &client{id: id, core: j.core.Join()}
	c.core.Data = c
	j.clients = append(j.clients, c)
	j.say("join", nil, c, nil, "")
	return c
}

func (j *judge) leave(c *client) {
	j.say("leave", nil, c, nil, "")
	j.waiting -= len(c.queue)
	for _, q := range c.queue {
		j.bytes -= int64(q.size)
		j.end(q, dispatch.Aborted)
	}
	c.queue, c.left = nil, true
	j.clients = slices.DeleteFunc(j.clients, func(o *client) bool { return o == c })
	j.core.Leave(c.core)
}

// end fixes a job's outcome, which Next is to tell.
func (j *judge) end(q *job, why dispatch.Cause) {
	q.state, q.cause, q.lane = ending, why, nil
	j.ending++
}

func (j *judge) request(c *client, size int) {
	j.jobs++
	j.count.Requests++
	q := &job{id: j.jobs, from: c, size: size, arrived: j.now}
	j.say("request", q, c, nil, "")
	full := j.full()
	if j.core.Full() != full {
		faultf("Full is %t with %d requests and %d bytes", !full, j.waiting, j.bytes)
	}
	if full && j.cfg.Reject && len(c.queue) > 0 {
		j.end(q, dispatch.Rejected)
		j.core.Request(j.now, c.core, q, size)
		return
	}
	if j.cfg.Deadline > 0 {
		j.timed = append(j.timed, q)
	}
	j.enqueue(q, len(c.queue))
	if !j.cfg.Reject && len(c.queue) > 1 && j.full() {
		c.over, c.eased = true, false
	}
	j.core.Request(j.now, c.core, q, size)
}

// enqueue puts a job at place i of its client's queue.
func (j *judge) enqueue(q *job, i int) {
	c := q.from
	if len(c.queue) == 0 {
		j.serial++
		c.since = j.serial
	}
	q.state, q.lane = waiting, nil
	c.queue = slices.Insert(c.queue, i, q)
	j.waiting++
	j.bytes += int64(q.size)
}

// dequeue takes a job out of its client's queue.
func (j *judge) dequeue(q *job) {
	c := q.from
	i := slices.Index(c.queue, q)
	if i == 0 {
		c.queue = c.queue[1:]
	} else {
		c.queue = slices.Delete(c.queue, i, i+1)
	}
	if len(c.queue) == 0 {
		c.over = false
	}
	j.waiting--
	j.bytes -= int64(q.size)
}

func (j *judge) full() bool { return j.waiting >= j.cfg.Queue || j.bytes >= j.cfg.QueueBytes }

// eased says that less than seven eighths of each bound wait.
func (j *judge) eased() bool {
	return 8*int64(j.waiting) < 7*int64(j.cfg.Queue) && 8*j.bytes < 7*j.cfg.QueueBytes
}

// abort ends all, and says so of nobody twice.
func (j *judge) abort() {
	j.say("abort", nil, nil, nil, "")
	for _, l := range j.lanes {
		if len(l.held) > 0 {
			j.change(l)
		}
		for _, q := range l.held {
			j.running--
			q.from.runs--
			if q.state == late {
				q.state = ended
			} else {
				j.end(q, dispatch.Aborted)
			}
		}
		l.held = nil
		j.look(l)
	}
	for _, c := range j.clients {
		for _, q := range slices.Clone(c.queue) {
			j.dequeue(q)
			j.end(q, dispatch.Aborted)
		}
	}
	j.core.Abort()
}
