package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pebbe/zmq4"
)

// clients ask at the fleet's frontends, each request with a number of its own, until they are told to stop; then they wait for what is
// outstanding. Half of them are REQ, the others DEALER with several requests under way.
type clients struct {
	s        settings
	dir      string
	harmful  []chan string // requests that do harm, by service, for the next client that asks
	patience time.Duration // for what is outstanding in the end
	stopping atomic.Bool
	sent     atomic.Int64
	replied  atomic.Int64
	all      sync.WaitGroup

	mu     sync.Mutex
	counts counts
}

// counts is how the books stand in the end.
type counts struct {
	Sent     int64            `json:"sent"`
	Answered int64            `json:"answered"`
	Lost     int64            `json:"lost"`
	Doubled  int64            `json:"doubled"`
	Wrong    int64            `json:"wrong"`  // not what that request must get
	Errors   map[string]int64 `json:"errors"` // replies that are zfleet's error, by their text
	Broken   int64            `json:"broken"` // connections of clients that ended
	Retries  int64            `json:"retries"`
	Slowest  time.Duration    `json:"slowest_ns"`
	Examples []string         `json:"examples,omitempty"`
}

const (
	clientsEach = 6               // at each service
	window      = 8               // requests of a DEALER under way
	retryAfter  = 2 * time.Second // of a client that outlives proxies
	listenOn    = time.Second     // for replies that nobody may send
	look        = 10 * time.Millisecond
)

func startClients(f *fleet, s settings) *clients {
	c := &clients{s: s, dir: f.dir, patience: patience, counts: counts{Errors: map[string]int64{}}}
	for i, svc := range f.services {
		c.harmful = append(c.harmful, make(chan string, 64))
		for n := range clientsEach {
			one := c.client(fmt.Sprintf("%s.%d", svc.name, n), svc.frontend, uint64(1+i*clientsEach+n))
			one.harmful = c.harmful[i]
			if n%2 == 1 && !s.proxyKills {
				one.kind, one.window = zmq4.DEALER, window
			}
			c.all.Go(one.run)
		}
	}
	return c
}

func (c *clients) client(name, endpoint string, stream uint64) *client {
	return &client{clients: c, name: name, endpoint: endpoint, kind: zmq4.REQ, window: 1,
		waiting: map[string]request{}, answered: map[string]bool{}, random: rand.New(rand.NewPCG(c.s.seed, stream))}
}

func (c *clients) outstanding() int64 { return c.sent.Load() - c.replied.Load() }

// stop ends the load and closes the books.
func (c *clients) stop() counts {
	c.stopping.Store(true)
	c.all.Wait()
	c.counts.Sent = c.sent.Load()
	return c.counts
}

// note changes the books.
func (c *clients) note(f func(*counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.counts)
}

func (c *clients) example(format string, args ...any) {
	if len(c.counts.Examples) < 20 {
		c.counts.Examples = append(c.counts.Examples, fmt.Sprintf(format, args...))
	}
}

// client is one socket.
type client struct {
	*clients
	name     string
	endpoint string
	kind     zmq4.Type
	window   int
	harmful  chan string
	random   *rand.Rand
	soc      *zmq4.Socket
	last     int
	waiting  map[string]request
	answered map[string]bool
}

type request struct {
	frames []string
	at     time.Time
}

func (c *client) run() {
	if err := c.connect(); err != nil {
		c.note(func(n *counts) { n.Lost++; c.example("client %s cannot connect: %v", c.name, err) })
		return
	}
	defer func() { _ = c.soc.Close() }()
	every := time.Duration(float64(2*clientsEach) / c.s.rate * float64(time.Second))
	next := time.Now()
	for !c.stopping.Load() {
		if len(c.waiting) < c.window && !time.Now().Before(next) {
			c.ask()
			next = time.Now().Add(time.Duration(c.random.Int64N(int64(2 * every))))
		}
		c.hear()
	}
	for last := time.Now(); len(c.waiting) > 0 && time.Since(last) < c.patience; {
		if c.hear() {
			last = time.Now()
		}
	}
	for end := time.Now().Add(listenOn); time.Now().Before(end); {
		c.hear()
	}
	for number, r := range c.waiting {
		c.note(func(n *counts) {
			n.Lost++
			c.example("client %s has no reply to %s %s, %v old", c.name, number, r.body()[0], time.Since(r.at).Round(time.Millisecond))
		})
	}
}

func (c *client) connect() (err error) {
	if c.soc, err = zmq4.NewSocket(c.kind); err != nil {
		return err
	}
	err = errors.Join(c.soc.SetRcvtimeo(look), c.soc.SetLinger(0))
	if c.s.proxyKills {
		err = errors.Join(err, c.soc.SetReqRelaxed(1), c.soc.SetReqCorrelate(1))
	} else {
		err = errors.Join(err, c.soc.Monitor("inproc://"+c.dir+c.name, zmq4.EVENT_DISCONNECTED))
		go c.watch("inproc://" + c.dir + c.name)
	}
	return errors.Join(err, c.soc.Connect(c.endpoint))
}

// watch counts when the connection ends before its socket is closed.
func (c *client) watch(endpoint string) {
	events, err := zmq4.NewSocket(zmq4.PAIR)
	if err == nil {
		err = events.Connect(endpoint)
	}
	for err == nil {
		var kind zmq4.Event
		kind, _, _, err = events.RecvEvent(0)
		switch {
		case kind == zmq4.EVENT_MONITOR_STOPPED:
			_ = events.Close()
			return
		case kind == zmq4.EVENT_DISCONNECTED && !c.stopping.Load():
			c.note(func(n *counts) { n.Broken++; c.example("the connection of client %s ended", c.name) })
		}
	}
}

// ask sends the next request.
func (c *client) ask() {
	c.last++
	number := fmt.Sprintf("%s.%d", c.name, c.last)
	order := fmt.Sprintf("sleep %dms", 1+c.random.IntN(8))
	select {
	case deed := <-c.harmful:
		order = fmt.Sprintf("once %s %s", filepath.Join(c.dir, "once."+number), deed)
	default:
	}
	r := request{frames: []string{order, number, c.payload(number)}, at: time.Now()}
	if c.kind == zmq4.DEALER {
		r.frames = append([]string{""}, r.frames...)
	}
	if c.send(r) {
		c.waiting[number] = r
		c.sent.Add(1)
	}
}

func (c *client) send(r request) bool {
	_, err := c.soc.SendMessage(r.frames)
	if err != nil {
		c.note(func(n *counts) { n.Wrong++; c.example("client %s cannot send: %v", c.name, err) })
	}
	return err == nil
}

// payload is mostly short, sometimes long, and different for every request.
func (c *client) payload(number string) string {
	size := 0
	switch n := c.random.IntN(1000); {
	case n < 3:
		size = 1 << 20
	case n < 40:
		size = 1 << (8 + n%10)
	}
	return strings.Repeat(number+" ", 1+size/len(number))
}

// hear takes one reply, when there is one soon.
func (c *client) hear() bool {
	if c.kind == zmq4.REQ && len(c.waiting) == 0 { // it may not receive now
		time.Sleep(look)
		return false
	}
	reply, err := c.soc.RecvMessage(0)
	switch {
	case zmq4.AsErrno(err) == zmq4.Errno(syscall.EAGAIN):
		c.retry()
		return false
	case err != nil:
		c.note(func(n *counts) { n.Wrong++; c.example("client %s cannot receive: %v", c.name, err) })
		time.Sleep(look)
		return false
	}
	c.check(reply)
	return true
}

// retry asks again where the proxy may have been killed with the request in it.
func (c *client) retry() {
	for number, r := range c.waiting {
		if c.s.proxyKills && time.Since(r.at) > retryAfter {
			r.at = time.Now()
			if c.send(r) {
				c.waiting[number] = r
				c.note(func(n *counts) { n.Retries++ })
			}
		}
	}
}

// check holds a reply against what was asked.
func (c *client) check(reply []string) {
	if c.kind == zmq4.DEALER && len(reply) > 0 && reply[0] == "" {
		reply = reply[1:]
	}
	if len(reply) == 1 && strings.HasPrefix(reply[0], `{"zfleet":`) {
		c.note(func(n *counts) { n.Errors[reply[0]]++ })
		return
	}
	if len(reply) != 3 {
		c.note(func(n *counts) { n.Wrong++; c.example("client %s got %.200q", c.name, reply) })
		return
	}
	number := reply[1]
	r, ok := c.waiting[number]
	switch {
	case ok && slices.Equal(reply, r.reply()):
		delete(c.waiting, number)
		c.answered[number] = true
		c.replied.Add(1)
		c.note(func(n *counts) { n.Answered++; n.Slowest = max(n.Slowest, time.Since(r.at)) })
	case c.answered[number]:
		c.note(func(n *counts) { n.Doubled++; c.example("client %s got a second reply to %s", c.name, number) })
	default:
		c.note(func(n *counts) { n.Wrong++; c.example("client %s got %.200q", c.name, reply) })
	}
}

// reply is what a request must get.
func (r request) reply() []string {
	body := r.body()
	return []string{answerTo(body[0]), body[1], body[2]}
}

// body is what was asked, without a DEALER's delimiter.
func (r request) body() []string {
	if r.frames[0] == "" {
		return r.frames[1:]
	}
	return r.frames
}
