package proxy

import (
	"bytes"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/control"
)

// A writer that holds still has written all, says what it remembers, and hears of no exit that it could not remember. Then it goes on, or
// another one goes on with what it remembered.
func TestLettersHoldStill(t *testing.T) {
	d := &disk{}
	writing(t, d, 1000, func(w *letterWriter, _ *bytes.Buffer) {
		for range 3 {
			w.exited(control.Exit{Worker: "hello/0#1", Code: 3})
			w.post(sized(10, "hello/0#1"))
			w.post(sized(10, "hello/1#1"))
			memory, err := w.still(time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.added) != int(memory.Kept) || len(memory.Recent) == 0 || len(memory.Awaited) == 0 {
				t.Errorf("%d are written; it remembers %+v", len(d.added), memory)
			}
			if w.exited(control.Exit{Worker: "hello/1#1"}) {
				t.Error("it took an exit while it held still")
			}
			next := letterWriterTo(d, 1000, zerolog.Nop())
			next.remember(memory)
			if again := next.memory(); !reflect.DeepEqual(again, memory) {
				t.Errorf("it remembers %+v, and the next one %+v", memory, again)
			}
			w.goOn()
		}
		if !w.exited(control.Exit{Worker: "hello/1#1"}) {
			t.Error("it takes no exit after it held still")
		}
		synctest.Wait()
		if len(d.amended) != 1 || d.amended[0] != "hello/1#1 id,id,id" {
			t.Errorf("amended %q", d.amended)
		}
	})
	if len(d.added) != 6 {
		t.Errorf("%d letters are written", len(d.added))
	}
}

// A disk that stands still is not waited for: the writer goes on where it was, and writes what comes then.
func TestLettersDoNotHoldStill(t *testing.T) {
	for _, busy := range []bool{false, true} {
		d := &disk{}
		writing(t, d, 1000, func(w *letterWriter, _ *bytes.Buffer) {
			d.blocked = make(chan struct{})
			if busy { // it does not even hear
				w.post(sized(1))
				synctest.Wait()
			} else {
				w.queue <- &dead.Letter{}
			}
			began := time.Now()
			if _, err := w.still(time.Second); err == nil || time.Since(began) != time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			w.post(sized(1))
			close(d.blocked)
			synctest.Wait()
			d.blocked = nil
			if len(d.added) != 2 {
				t.Errorf("%d letters are written", len(d.added))
			}
			if _, err := w.still(time.Second); err != nil {
				t.Errorf("it does not hold still later: %v", err)
			}
		})
	}
	if _, err := (*letterWriter)(nil).still(time.Second); err != nil {
		t.Error(err)
	}
}
