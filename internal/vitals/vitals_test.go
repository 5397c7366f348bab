package vitals

import (
	"runtime"
	"testing"
)

func TestRead(t *testing.T) {
	goroutines, heap := Read()
	end := make(chan struct{})
	go func() { <-end }()
	held := make([]byte, 8<<20)
	more, larger := Read()
	if more < goroutines+1 || larger < heap+4<<20 { // the collector may have been at it in between
		t.Errorf("%d goroutines and %d bytes, then %d and %d", goroutines, heap, more, larger)
	}
	runtime.KeepAlive(held)
	close(end)
}
