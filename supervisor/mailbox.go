package supervisor

import "sync"

// mailbox is what the loop reads. It has no bound and putting never waits: the loop calls the launcher, which may tell something before it
// returns, and a channel of any size would one day be full at that moment. A lock is all it takes; a goroutine that queues would have
// to be ended as well.
type mailbox struct {
	wake chan struct{} // holds one when there may be messages

	mu       sync.Mutex
	messages []any
	closed   bool
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// put may be called from any goroutine. What comes after close is dropped: nobody is left to read it.
func (m *mailbox) put(message any) {
	m.mu.Lock()
	if !m.closed {
		m.messages = append(m.messages, message)
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default: // the loop is woken already
	}
}

// take empties the mailbox.
func (m *mailbox) take() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	messages := m.messages
	m.messages = nil
	return messages
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}
