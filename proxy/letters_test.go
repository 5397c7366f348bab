package proxy

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

func letterFile(t *testing.T) dead.Store {
	t.Helper()
	return dead.Store{Path: filepath.Join(t.TempDir(), "hello.dead"), Bytes: 64 << 20}
}

// letters waits until the store has so many.
func letters(t *testing.T, store dead.Store, n int) (all []dead.Letter) {
	t.Helper()
	await.Until(t, fmt.Sprintf("%d letters", n), func() bool {
		var err error
		all, err = store.List()
		return err == nil && len(all) == n
	})
	return all
}

// dies takes a request and hangs up. Name is what the worker is called, "": nobody names it.
func (s *served) dies(t *testing.T, name string) {
	t.Helper()
	worker := join(t, s.backend, "REP")
	if name != "" {
		s.until(t, "the lane", func(snap control.Snapshot) bool {
			for _, ln := range snap.Lanes {
				if err := s.Name(t.Context(), ln.ID, name); err != nil {
					t.Error(err)
				}
			}
			return len(snap.Lanes) == 1
		})
	}
	worker.recv()
	_ = worker.Close()
	s.until(t, "the lane to be gone", func(snap control.Snapshot) bool { return len(snap.Lanes) == 0 })
}

// A request that ends three workers is in the store, with all that is known of them, whether their exits are told before or after.
func TestDeadLetter(t *testing.T) {
	store := letterFile(t)
	s := serve(t, Options{Service: "hello", DeadLetters: store})
	client := join(t, s.frontend, "DEALER")
	client.send(wire("far", "", "poi", "", "son"))
	s.dies(t, "hello/0#1")
	exit := control.Exit{Worker: "hello/0#1", Pid: 7, Reason: "killed by SIGSEGV", Code: -1, Signal: "SIGSEGV", LastLines: []string{"oh", "<no>"}}
	if err := s.Exited(t.Context(), exit); err != nil {
		t.Fatal(err)
	}
	s.dies(t, "hello/1#1")
	s.dies(t, "")
	if got := client.recv(); len(got) != 3 || decodeError(t, got[2]).Attempts != 3 {
		t.Errorf("the client got %q", got)
	}
	l := letters(t, store, 1)[0]
	if l.Service != "hello" || l.Code != "UNAVAILABLE" || len(l.Attempts) != 3 {
		t.Fatalf("got %+v", l)
	}
	if err := s.Exited(t.Context(), control.Exit{Worker: "hello/1#1", Reason: "exited with status 3", Code: 3}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the second exit", func() bool { l, _ = store.Get(l.ID); return len(l.Attempts) == 3 && l.Attempts[1].Exit != nil })
	first, second, third := l.Attempts[0], l.Attempts[1], l.Attempts[2]
	if first.Worker != "hello/0#1" || first.Exit == nil || first.Exit.Signal != "SIGSEGV" || strings.Join(first.Exit.LastLines, " ") != "oh <no>" {
		t.Errorf("the first attempt: %+v, %+v", first, first.Exit)
	}
	if second.Exit.Code != 3 || third.Worker != "" || third.Exit != nil || !strings.HasPrefix(third.Peer, "127.0.0.1:") {
		t.Errorf("the others: %+v, %+v", second, third)
	}
	at := l.Arrived
	for _, a := range l.Attempts {
		if a.Began.Before(at) || a.Ended.Before(a.Began) || l.Died.Before(a.Ended) || a.Reason == "" {
			t.Errorf("arrived %v, died %v, and %+v", l.Arrived, l.Died, a)
		}
		at = a.Ended
	}
	if body := l.Body(); len(body) != 3 || string(body[0])+string(body[1])+string(body[2]) != "poison" || string(l.Hops()[0]) != "far" {
		t.Errorf("the request is %q for %q", body, l.Hops())
	}
	if c := s.snapshot(t).Counters; c.Dead != 1 || c.DeadLost != 0 {
		t.Errorf("counters %+v", c)
	}
}

// A worker that hangs is charged too, though its connection stays.
func TestDeadLetterOfAStuckWorker(t *testing.T) {
	store := letterFile(t)
	s := serve(t, Options{Service: "hello", DeadLetters: store, Dispatch: dispatch.Config{Attempts: 1, Timeout: 50 * time.Millisecond}})
	client, hung := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	client.send(wire("", "poison"))
	hung.recv()
	client.recv()
	a := letters(t, store, 1)[0].Attempts
	if len(a) != 1 || a[0].Reason != "a request is past its timeout of 50ms" || a[0].Peer != hung.LocalAddr().String() {
		t.Errorf("attempts %+v", a)
	}
}

// Only what may have run and has no reply becomes a letter.
func TestNoDeadLetter(t *testing.T) {
	store := letterFile(t)
	s := serve(t, Options{DeadLetters: store, Dispatch: dispatch.Config{Attempts: 2, Prefetch: 3}})
	client := join(t, s.frontend, "DEALER")
	client.send(wire("", "a"), wire("", "b"), wire("", "c"))
	s.dies(t, "")
	worker := join(t, s.backend, "REP")
	for range 3 {
		worker.echo()
		client.recv()
	}
	gone := join(t, s.frontend, "DEALER")
	gone.send(wire("", "nobody waits"))
	worker.recv()
	_ = gone.Close()
	s.until(t, "the client to be gone", func(snap control.Snapshot) bool { return snap.Clients == 1 })
	_ = worker.Close()
	s.until(t, "its request to be dropped", func(snap control.Snapshot) bool { return snap.Counters.Abandoned == 1 })
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	letters(t, store, 0)
}

// With redeliver = "never" one worker is enough; a client that has left changes nothing.
func TestDeadLetterOnce(t *testing.T) {
	store := letterFile(t)
	s := serve(t, Options{DeadLetters: store, Dispatch: dispatch.Config{Once: true}})
	client := join(t, s.frontend, "REQ")
	client.send(wire("", "once"))
	s.dies(t, "")
	client.recv()
	if l := letters(t, store, 1)[0]; l.Code != "ABORTED" || len(l.Attempts) != 1 {
		t.Errorf("got %+v", l)
	}
	client.send(wire("", "gone"))
	worker := join(t, s.backend, "REP")
	worker.recv()
	_ = client.Close()
	s.until(t, "the client to be gone", func(snap control.Snapshot) bool { return snap.Clients == 0 })
	_ = worker.Close()
	letters(t, store, 2)
}

// A disk that stands still, here a file that somebody else has locked, holds up nobody; what waits is written before the proxy has ended.
func TestDeadLetterSlowDisk(t *testing.T) {
	store := letterFile(t)
	s := serve(t, Options{DeadLetters: store, Dispatch: dispatch.Config{Attempts: 1}})
	locked, err := bolt.Open(store.Path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := join(t, s.frontend, "REQ")
	for range 3 {
		client.send(wire("", "poison"))
		s.dies(t, "")
		decodeError(t, client.recv()[1])
	}
	worker := join(t, s.backend, "REP")
	for range 100 {
		client.send(wire("", "good"))
		worker.echo()
		client.recv()
	}
	if err := locked.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for _, l := range letters(t, store, 3) { // nothing in them is of another request, before or after
		if l, err = store.Get(l.ID); err != nil || string(l.Body()[0]) != "poison" || len(l.Attempts) != 1 {
			t.Errorf("a letter says %q after %d attempts: %v", l.Body(), len(l.Attempts), err)
		}
	}
}

// A disk that takes nothing costs the letters, and they are counted.
func TestDeadLetterUnwritable(t *testing.T) {
	store := letterFile(t)
	store.Path = filepath.Join(filepath.Dir(store.Path), "nowhere", "hello.dead")
	s := serve(t, Options{DeadLetters: store, Dispatch: dispatch.Config{Attempts: 1}})
	client := join(t, s.frontend, "REQ")
	for range 3 {
		client.send(wire("", "poison"))
		s.dies(t, "")
		decodeError(t, client.recv()[1])
	}
	s.until(t, "the losses", func(snap control.Snapshot) bool { return snap.Counters.DeadLost == 3 && snap.Counters.Dead == 0 })
}

// A large request is kept as it came. One that is larger than all that may be kept is not.
func TestDeadLetterLarge(t *testing.T) {
	store := letterFile(t)
	store.Bytes = 8 << 20
	s := serve(t, Options{DeadLetters: store, Dispatch: dispatch.Config{Attempts: 1}})
	client := join(t, s.frontend, "REQ")
	for _, size := range []int{5 << 20, 9 << 20} {
		client.sendBeside(wire("", strings.Repeat("x", size)))
		s.dies(t, "")
		decodeError(t, client.recv()[1])
	}
	s.until(t, "both outcomes", func(snap control.Snapshot) bool { return snap.Counters.DeadLost == 1 && snap.Counters.Dead == 1 })
	l, err := store.Get(letters(t, store, 1)[0].ID)
	if err != nil || string(l.Body()[0]) != strings.Repeat("x", 5<<20) {
		t.Errorf("a body of %d bytes came back: %v", l.Size, err)
	}
}
