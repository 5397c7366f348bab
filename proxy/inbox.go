package proxy

import (
	"context"
	"errors"
	"sync"
)

// errEnded is the answer to whoever asks a loop that has ended.
var errEnded = errors.New("the proxy has ended")

// inbox is how other goroutines reach the loop: they leave a function that it runs between events.
type inbox struct {
	ring func()

	mu     sync.Mutex
	posted []func(*loop)
	closed bool
}

// post leaves f for the loop. It does not wait.
func (b *inbox) post(f func(*loop)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errEnded
	}
	b.posted = append(b.posted, f)
	if len(b.posted) == 1 {
		b.ring()
	}
	return nil
}

// drain runs what was left.
func (b *inbox) drain(l *loop) {
	b.mu.Lock()
	posted := b.posted
	b.posted = nil
	b.mu.Unlock()
	for _, f := range posted {
		f(l)
	}
}

// close refuses what comes from now on. Nobody rings after it.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.posted = nil
}

// ask runs f on the loop and gives back what it returns.
func ask[T any](ctx context.Context, p *Proxy, f func(*loop) T) (answer T, err error) {
	answered := make(chan T, 1)
	if err := p.loop.inbox.post(func(l *loop) { answered <- f(l) }); err != nil {
		return answer, err
	}
	return hear(ctx, p, answered)
}

// hear waits for an answer that the loop gives when it can.
func hear[T any](ctx context.Context, p *Proxy, answered <-chan T) (answer T, err error) {
	select {
	case answer = <-answered:
		return answer, nil
	case <-ctx.Done():
		return answer, ctx.Err()
	case <-p.ended:
	}
	select {
	case answer = <-answered: // it came with the end
		return answer, nil
	default:
		return answer, errEnded
	}
}
