package proxy

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/handover"
)

// disk is a store that does what a test says.
type disk struct {
	mu      sync.Mutex
	fails   error         // until it is set aside
	blocked chan struct{} // Add waits for it; nil: it does not
	added   []*dead.Letter
	amended []string
	trims   int
	asides  int
}

func (d *disk) Add(_ time.Time, letters []*dead.Letter) error {
	if d.blocked != nil {
		<-d.blocked
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails != nil {
		return d.fails
	}
	for _, l := range letters {
		l.ID = "id"
		d.added = append(d.added, l)
	}
	return nil
}

func (d *disk) Amend(_ time.Time, worker string, _ dead.Exit, ids []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.amended = append(d.amended, worker+" "+strings.Join(ids, ","))
	return nil
}

func (d *disk) Trim(time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trims++
	return d.fails
}

func (d *disk) SetAside() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asides++
	d.fails = nil
	return "aside", nil
}

// writing runs a writer in a bubble of time of its own, with what it logs.
func writing(t *testing.T, d *disk, limit int64, test func(w *letterWriter, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		var log bytes.Buffer
		w := letterWriterTo(d, limit, zerolog.New(&log))
		go w.run()
		synctest.Wait()
		test(w, &log)
		w.end(time.Minute)
	})
}

func sized(n int, workers ...string) *dead.Letter {
	l := &dead.Letter{Wire: make([]byte, n)}
	for _, name := range workers {
		l.Attempts = append(l.Attempts, dead.Attempt{Worker: name, Peer: "ipc"})
	}
	return l
}

// While the disk stands still the queue fills to its bounds, in letters and in bytes, and what is beyond is lost at once.
func TestLettersWaitWithinBounds(t *testing.T) {
	for _, c := range []struct {
		size int
		want int
	}{{1, lettersWaiting + 1}, {1000, 100}} {
		d := &disk{}
		writing(t, d, 100_000, func(w *letterWriter, _ *bytes.Buffer) {
			d.blocked = make(chan struct{})
			w.post(sized(c.size))
			synctest.Wait() // it is in the writer's hands
			took := 1
			for range 2 * lettersWaiting {
				if w.post(sized(c.size)) {
					took++
				}
			}
			if lost := w.lost.Load(); took != c.want || lost != uint64(2*lettersWaiting+1-took) {
				t.Errorf("of %d bytes %d were taken, want %d; %d lost", c.size, took, c.want, lost)
			}
			close(d.blocked)
			synctest.Wait()
			if len(d.added) != took || w.kept.Load() != uint64(took) || w.held.Load() != 0 {
				t.Errorf("%d of %d were written, %d bytes are held", len(d.added), took, w.held.Load())
			}
		})
	}
}

// A proxy that ends waits for its last letters, but not for ever.
func TestLettersAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{blocked: make(chan struct{})}
		w := letterWriterTo(d, 1000, zerolog.Nop())
		go w.run()
		w.post(sized(1))
		tellExit(t, w, control.Exit{Worker: "hello/0#1"})
		began := time.Now()
		w.end(time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		close(d.blocked)
		<-w.ended
		if len(d.added) != 1 {
			t.Error("the letter is lost")
		}
	})
}

// A disk that fails is told of once a minute, and once when it works again; every letter that it costs is counted.
func TestFailingDisk(t *testing.T) {
	d := &disk{}
	writing(t, d, 1000, func(w *letterWriter, log *bytes.Buffer) {
		post := func() { w.post(sized(1)); synctest.Wait() }
		d.fails = errors.New("no space left on device")
		for range 10 {
			post()
		}
		if n := strings.Count(log.String(), "no space left"); n != 1 || w.lost.Load() != 10 || w.kept.Load() != 0 {
			t.Errorf("told %d times, %d lost:\n%s", n, w.lost.Load(), log)
		}
		time.Sleep(complainEvery)
		post()
		if n := strings.Count(log.String(), "no space left"); n != 2 {
			t.Errorf("told %d times in a minute:\n%s", n, log)
		}
		d.fails = nil
		post()
		post()
		if n := strings.Count(log.String(), "kept again"); n != 1 || w.kept.Load() != 2 || w.lost.Load() != 11 {
			t.Errorf("told %d times, %d kept, %d lost:\n%s", n, w.kept.Load(), w.lost.Load(), log)
		}
	})
}

// A damaged file is set aside, whoever finds it, and the letter is in the new one.
func TestDamagedFileIsSetAside(t *testing.T) {
	d := &disk{fails: dead.ErrDamaged}
	writing(t, d, 1000, func(w *letterWriter, log *bytes.Buffer) {
		if d.asides != 1 || !strings.Contains(log.String(), "set aside") {
			t.Errorf("not found at the start:\n%s", log)
		}
		d.fails = dead.ErrDamaged
		w.post(sized(1))
		synctest.Wait()
		if d.asides != 2 || w.kept.Load() != 1 || w.lost.Load() != 0 {
			t.Errorf("set aside %d times, %d kept", d.asides, w.kept.Load())
		}
	})
}

// Letters that nobody adds to are looked after too.
func TestOldLettersGo(t *testing.T) {
	d := &disk{}
	writing(t, d, 1000, func(*letterWriter, *bytes.Buffer) {
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := 1 + int(time.Hour/lettersTrimmed); d.trims != want {
			t.Errorf("trimmed %d times in an hour, want %d", d.trims, want)
		}
	})
}

// Exits find their letters, before and after; what is remembered of either is bounded.
func TestExitsFindLetters(t *testing.T) {
	d := &disk{}
	writing(t, d, 1000, func(w *letterWriter, log *bytes.Buffer) {
		tellExit(t, w, control.Exit{Worker: "hello/0#1", Pid: 70, Reason: "killed by SIGKILL"})
		synctest.Wait()
		l := sized(1, "hello/0#1", "", "hello/2#1")
		l.Attempts[1].Pid = 70
		w.post(l)
		synctest.Wait()
		if a := l.Attempts; a[0].Exit == nil || a[1].Exit == nil || a[1].Worker != "hello/0#1" || a[2].Exit != nil {
			t.Errorf("got %+v", a)
		}
		tellExit(t, w, control.Exit{Worker: "hello/1#1"})
		tellExit(t, w, control.Exit{Worker: "hello/2#1"})
		tellExit(t, w, control.Exit{Worker: "hello/2#1"})
		synctest.Wait()
		if got := strings.Join(d.amended, "; "); got != "hello/2#1 id" {
			t.Errorf("amended %q", got)
		}
		if !strings.Contains(log.String(), `"workers":["hello/0#1","hello/2#1"]`) {
			t.Errorf("logged %s", log)
		}
		for range 2 * exitsKept {
			tellExit(t, w, control.Exit{Worker: "hello/9#9"})
			synctest.Wait()
		}
		w.post(sized(1, strings.Fields(strings.Repeat("hello/8#8 ", 2*exitsAwaited))...))
		synctest.Wait()
		if len(w.recent) != exitsKept || len(w.awaited) != exitsAwaited {
			t.Errorf("%d exits and %d attempts are remembered", len(w.recent), len(w.awaited))
		}
	})
}

// tellExit tells a writer that takes it.
func tellExit(t *testing.T, w *letterWriter, e control.Exit) {
	t.Helper()
	if err := w.exited(e); err != nil {
		t.Error(err)
	}
}

// A letter that is posted as soon as the writer may go on is written, and so are those after it.
func TestLettersAfterBeingStill(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{}
			w := letterWriterTo(d, 1000, zerolog.Nop())
			answer, goesOn := make(chan handover.Letters), make(chan bool, 1)
			go func() { goesOn <- w.holdStill(answer) }()
			synctest.Wait()
			w.goOn() // the loop has waited for long enough
			w.post(sized(1))
			<-answer
			if !<-goesOn {
				t.Fatal("the writer has ended")
			}
			go w.run()
			w.end(time.Minute)
			if len(d.added) != 1 {
				t.Fatalf("%d letters were written", len(d.added))
			}
		})
	}
}

// With Once a request ends with its worker also when the supervisor's end was that worker's: the letter says who had it. One that cannot be kept, or
// that nobody is charged with, is no more than lost.
func TestLettersOfWhatEndsWithTheSupervisor(t *testing.T) {
	d := newDesk(t, 1, 1)
	d.loop.letters = letterWriterTo(&disk{}, 1000, zerolog.Nop())
	d.loop.opts.Dispatch.Once, d.loop.opts.Alone = true, func() bool { return true }
	d.take(d.clients[0], wire("", "one"))
	d.act()
	ln := d.lanes[0].lane
	ln.worker = "hello/0#1"
	m, _, ok := ln.core.Oldest()
	if !ok {
		t.Fatal("the lane has no request")
	}
	d.loop.lose(ln, "it has left")
	if len(m.attempts) != 1 || m.attempts[0].Worker != "hello/0#1" {
		t.Errorf("attempts: %+v", m.attempts)
	}
	d.loop.letters.limit = 0
	d.loop.bury(dispatch.Action[*message]{Kind: dispatch.Discard, Cause: dispatch.LaneLost, Message: &message{data: make([]byte, 10)}})
	if lost := d.loop.letters.lost.Load(); lost != 1 {
		t.Errorf("%d are lost", lost)
	}
}
