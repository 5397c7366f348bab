package workerkit

import (
	"sync"
	"time"

	"github.com/zfleet/zfleet/workerkit/control"
	"google.golang.org/protobuf/proto"
)

// outcome is what became of a request.
type outcome int

const (
	succeeded outcome = iota
	failed
	panicked
	abandoned // the worker had to end: nobody gets a reply from it
)

// stats counts requests. A lock, because a reader must see one moment, in which all counters add up.
type stats struct {
	mu sync.Mutex
	n  control.StatsReply
}

func (s *stats) began() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n.InFlight++
}

// ended counts a request before its reply is sent, so that whoever has the reply finds it counted.
func (s *stats) ended(how outcome, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n.InFlight--
	s.n.HandlerSeconds += took.Seconds()
	switch how {
	case abandoned:
		return
	case failed:
		s.n.Failed++
	case panicked:
		s.n.Panicked++
	case succeeded:
	}
	s.n.Answered++
}

func (s *stats) snapshot() *control.StatsReply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return proto.Clone(&s.n).(*control.StatsReply)
}
