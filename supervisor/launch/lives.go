package launch

import (
	"sync"
	"time"
)

// lives are the goroutines that Close waits for. The lock is what sync.WaitGroup asks for: no Add once Wait may have begun.
type lives struct {
	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

func (l *lives) begin(run func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.all.Go(run)
	return true
}

// end lets none begin any more and says whether all ended in time.
func (l *lives) end(bound time.Duration) bool {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	done := make(chan struct{})
	go func() { defer close(done); l.all.Wait() }()
	select {
	case <-done:
		return true
	case <-time.After(bound):
		return false
	}
}
