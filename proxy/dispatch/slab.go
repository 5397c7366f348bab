package dispatch

import (
	"slices"
	"time"
)

const (
	chunkBits  = 8
	chunkSize  = 1 << chunkBits
	idleChunks = 16 // empty chunks that are kept; the rest goes back to the garbage collector
)

// request is one message between Request and its outcome. It is in exactly one list: its client's queue, its lane's held requests, the
// dispatcher's ended ones, or a chunk's free ones.
type request[M any] struct {
	node     node[request[M]]
	clock    node[request[M]] // in Dispatcher.byAge until it has ended
	message  M
	client   *Client[M]
	lane     *Lane[M] // nil while not at a lane
	size     int
	index    uint32 // in the slab
	delivery uint32 // names the latest delivery; 0 before the first
	arrived  time.Duration
	strikes  int32
	cause    Cause // of its end
	late     bool  // ended while at its lane, which has not replied yet
}

// chunk is a run of requests that is allocated and given back as one.
type chunk[M any] struct {
	node     node[chunk[M]] // in slab.partial while a request is free
	free     list[request[M]]
	live     int
	number   uint32
	requests [chunkSize]request[M]
}

// slab holds all requests. An index stays valid while its request lives; requests are taken from the fullest chunks first so that after a
// burst whole chunks fall empty and can be given back.
type slab[M any] struct {
	chunks  []*chunk[M]    // by number; nil where given back
	vacant  []uint32       // numbers of the nil ones
	partial list[chunk[M]] // chunks with a free request, the emptiest at the back
	idle    int            // chunks in which nothing lives
}

func (s *slab[M]) init() { s.partial.init() }

// at returns the request with that index, living or free, or nil when there is none.
func (s *slab[M]) at(index uint32) *request[M] {
	number := index >> chunkBits
	if uint64(number) >= uint64(len(s.chunks)) || s.chunks[number] == nil {
		return nil
	}
	return &s.chunks[number].requests[index%chunkSize]
}

func (s *slab[M]) get() *request[M] {
	c := s.partial.front()
	if c == nil {
		c = s.grow(s.number())
	}
	return s.use(c, c.free.front())
}

// use takes a free request of c.
func (s *slab[M]) use(c *chunk[M], r *request[M]) *request[M] {
	if c.live == 0 {
		s.idle--
	}
	c.live++
	r.node.unlink()
	if c.free.empty() {
		c.node.unlink()
	}
	return r
}

// claim takes the request with that index, nil when it lives already. It is for a slab that is rebuilt; vacate ends that.
func (s *slab[M]) claim(index uint32) *request[M] {
	number := index >> chunkBits
	for uint64(number) >= uint64(len(s.chunks)) {
		s.chunks = append(s.chunks, nil)
	}
	if s.chunks[number] == nil {
		s.grow(number)
	}
	r := s.at(index)
	if r.client != nil {
		return nil
	}
	return s.use(s.chunks[number], r)
}

// vacate notes which numbers of chunks are free.
func (s *slab[M]) vacate() {
	for number, c := range slices.Backward(s.chunks) {
		if c == nil {
			s.vacant = append(s.vacant, uint32(number))
		}
	}
}

// put takes a request back and forgets what it held.
func (s *slab[M]) put(r *request[M]) {
	r.node.unlink()
	r.clock.unlink()
	var none M
	r.message, r.client, r.lane = none, nil, nil // one by one: a copy of the whole costs as much as all the rest of a request
	r.delivery, r.strikes, r.cause, r.late = 0, 0, Aborted, false
	c := s.chunks[r.index>>chunkBits]
	c.free.pushFront(&r.node)
	c.live--
	if !c.node.linked() {
		s.partial.pushFront(&c.node)
	}
	if c.live == 0 {
		s.retire(c)
	}
}

// retire keeps an empty chunk for later, or gives it back when enough are kept.
func (s *slab[M]) retire(c *chunk[M]) {
	c.node.unlink()
	if s.idle == idleChunks {
		s.chunks[c.number] = nil
		s.vacant = append(s.vacant, c.number)
		return
	}
	s.idle++
	s.partial.pushBack(&c.node)
}

func (s *slab[M]) grow(number uint32) *chunk[M] {
	c := &chunk[M]{number: number}
	c.node.owner = c
	c.free.init()
	for i := range c.requests {
		r := &c.requests[i]
		r.index = c.number<<chunkBits | uint32(i)
		r.node.owner, r.clock.owner = r, r
		c.free.pushBack(&r.node)
	}
	s.chunks[c.number] = c
	s.partial.pushFront(&c.node)
	s.idle++
	return c
}

// number finds a place in the table of chunks.
func (s *slab[M]) number() uint32 {
	if n := len(s.vacant); n > 0 {
		number := s.vacant[n-1]
		s.vacant = s.vacant[:n-1]
		return number
	}
	s.chunks = append(s.chunks, nil)
	return uint32(len(s.chunks) - 1)
}

// live counts the requests that are in use, in time in proportion to the chunks.
func (s *slab[M]) live() (n int) {
	for _, c := range s.chunks {
		if c != nil {
			n += c.live
		}
	}
	return n
}
