package proxy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/control"
)

// takeOver lets another proxy, with other options, take over from s, on the same ports and the same control socket.
func (s *served) takeOver(t *testing.T, opts Options) *served {
	t.Helper()
	next, err := s.tryTakeOver(t, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); !errors.Is(err, ErrHandedOver) {
		t.Fatalf("the old proxy ends with %v", err)
	}
	return next
}

func (s *served) tryTakeOver(t *testing.T, opts Options) (*served, error) {
	t.Helper()
	all, err := s.Listeners(t.Context())
	if err != nil {
		return nil, err
	}
	opts.Frontend, opts.Backend = nil, nil
	for _, l := range all {
		ln, err := l.Open(l.FD)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { _ = ln.Close() })
		if l.Port == control.Frontend {
			opts.Frontend = append(opts.Frontend, ln)
		} else {
			opts.Backend = append(opts.Backend, ln)
		}
	}
	opts.Control, opts.Log = s.control, zerolog.New(zerolog.NewTestWriter(t))
	if opts.Grace == 0 {
		opts.Grace = time.Millisecond
	}
	p, err := TakeOver(t.Context(), opts, s.control)
	if err != nil {
		return nil, err
	}
	return run(t, p), nil
}

// A connection goes on wherever it was: within its greeting or handshake, within a message, with a request that waits or runs, with output
// that it has not read.
func TestTakeOver(t *testing.T) {
	s := serve(t, Options{})
	hello := slices.Concat(greeting("PLAIN"), command("HELLO", append([]byte{9}, "hello/3#7\x00"...)))
	initiate := command("INITIATE", property("Socket-Type", "REP"))
	shaking := func(cut int) *rawPeer {
		p := dial(t, s.backend)
		p.send(hello[:cut])
		return p
	}
	fresh, greeted, welcomed := shaking(0), shaking(70), shaking(len(hello))
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	large := strings.Repeat("x", 3<<20)
	request := wire("", "one", large)
	client.send(wire("", "zero"), request[:len(request)-1])
	got := worker.recv()
	drinking := join(t, s.frontend, "DEALER") // asks much and reads nothing
	for range 4 {
		drinking.send(wire("", "drink"))
	}
	s.until(t, "all of it", func(s control.Snapshot) bool { return s.Counters.Requests == 5 && len(s.Lanes) == 1 })
	for i := range 4 {
		s = s.takeOver(t, Options{Dispatch: Options{}.Dispatch})
		snap := s.snapshot(t)
		if snap.Clients != 2 || len(snap.Lanes) != 1 || snap.Queued+snap.Inflight != 5-min(i, 1) || snap.Counters.Requests != 5 {
			t.Fatalf("after take-over %d: %+v", i+1, snap)
		}
		if i == 0 {
			worker.send(wire(got...))
			if answer := client.recv(); answer[1] != "zero" {
				t.Fatalf("got %q", answer)
			}
		}
	}
	for range 4 {
		got := worker.recv()
		worker.sendBeside(wire(append(got, large)...))
		await.Until(t, "the reply to be handled", func() bool { return s.snapshot(t).Inflight < 4 })
	}
	s.until(t, "the replies to wait", func(s control.Snapshot) bool { return s.Counters.Replies == 5 })
	s = s.takeOver(t, Options{})
	for range 4 {
		if answer := drinking.recv(); answer[1] != "drink" || answer[2] != large {
			t.Fatal("a reply that had to wait is not what was sent")
		}
	}
	client.send(request[len(request)-1:])
	if got = worker.recv(); got[len(got)-1] != large {
		t.Fatal("a message that was handed over in its midst is not what was sent")
	}
	fresh.send(hello)
	greeted.send(hello[70:])
	for _, p := range []*rawPeer{fresh, greeted, welcomed} {
		p.skip(64)
		if _, name := p.next(); name != "WELCOME" {
			t.Fatalf("got %q instead of WELCOME", name)
		}
		s = s.takeOver(t, Options{})
		p.send(initiate)
		if _, name := p.next(); name != "READY" {
			t.Fatalf("got %q instead of READY", name)
		}
	}
	s.until(t, "the lanes", func(s control.Snapshot) bool { return len(s.Lanes) == 4 })
	if snap := s.snapshot(t); snap.Lanes[3].ID != 4 || snap.Lanes[3].Worker != "hello/3#7" || snap.Counters.Redelivered != 0 {
		t.Errorf("after all: %+v", snap)
	}
}

// What was told over the control socket holds on: names, drained workers and what they hold; and so do counters, loads and the lanes' numbers.
func TestTakeOverKeepsWhatWasTold(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	s.until(t, "the lane's pid", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Pid == os.Getpid() })
	client.send(wire("", "one"))
	worker.send(wire(worker.recv()...))
	client.recv()
	client.send(wire("", "two"))
	held := worker.recv()
	if err := s.Name(t.Context(), 1, "hello/0#1"); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Drain(t.Context(), "hello/0#1") }()
	s.until(t, "the drain", func(s control.Snapshot) bool { return s.Lanes[0].Draining })
	before := s.snapshot(t)
	s = s.takeOver(t, Options{})
	after := s.snapshot(t)
	if since := after.Since.Sub(before.Since).Abs(); since > time.Second {
		t.Errorf("since when it counts has moved by %v", since)
	}
	after.Lanes[0].BusyUS, after.Load.BusyUS = before.Lanes[0].BusyUS, before.Load.BusyUS // time goes on
	after.Since, after.Goroutines, after.Heap = before.Since, before.Goroutines, before.Heap
	if a, b := fmt.Sprintf("%+v", before), fmt.Sprintf("%+v", after); a != strings.ReplaceAll(b, after.Lanes[0].Since.String(), before.Lanes[0].Since.String()) {
		t.Errorf("was\n%s\nis\n%s", a, b)
	}
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(t.Context(), "hello/0#1") }()
	worker.send(wire(held...))
	client.recv()
	if err := <-drained; err != nil {
		t.Error(err)
	}
	late := join(t, s.backend, "REP")
	s.until(t, "another lane", func(s control.Snapshot) bool { return len(s.Lanes) == 2 })
	if err := s.Name(t.Context(), 2, "hello/0#1"); err != nil {
		t.Fatal(err)
	}
	if snap := s.snapshot(t); !snap.Lanes[1].Draining {
		t.Error("a drained worker's later lane is not drained")
	}
	_ = late.Close()
}

// A proxy that takes no more requests hands over as one, and a client's pause and a lane's that is set aside stay what they are.
func TestTakeOverKeepsStanding(t *testing.T) {
	opts := Options{}
	opts.Dispatch.Queue, opts.Dispatch.Prefetch = 2, 1
	s := serve(t, opts)
	client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
	for i := range 50 {
		client.send(wire("", fmt.Sprint(i)))
	}
	s.until(t, "the queue to be full", func(s control.Snapshot) bool { return s.Inflight == 1 && s.Queued >= 2 })
	for i := range 50 {
		if i%7 == 3 {
			opts.Dispatch.Queue, opts.Dispatch.Prefetch = 1+i, 1+i%3
			s = s.takeOver(t, opts)
		}
		got := worker.recv()
		if got[len(got)-1] != fmt.Sprint(i) {
			t.Fatalf("got %q, want %d", got, i)
		}
		worker.send(wire(got...))
		client.recv()
	}
	go func() { _ = s.Quiesce(t.Context()) }()
	await.Until(t, "the frontend to be quiet", func() bool { return s.quiet(t) })
	s = s.takeOver(t, opts)
	client.send(wire("", "more"))
	if !s.quiet(t) {
		t.Error("clients are let in again")
	}
	if err := s.Quiesce(t.Context()); err != nil {
		t.Error(err)
	}
	if snap := s.snapshot(t); snap.Counters.Requests != 50 || snap.Counters.Redelivered != 0 {
		t.Errorf("%+v", snap.Counters)
	}
}

// A request's attempts are counted on, and its letter tells of workers that the process before knew.
func TestTakeOverKeepsAttempts(t *testing.T) {
	opts := Options{DeadLetters: dead.Store{Path: t.TempDir() + "/x.dead", Bytes: 1 << 20}}
	opts.Dispatch.Attempts = 2
	s := serve(t, opts)
	client := join(t, s.frontend, "DEALER")
	client.send(wire("", "poison"))
	for i := range 2 {
		worker := join(t, s.backend, "REP")
		worker.recv()
		lane := s.snapshot(t).Lanes[0].ID
		if err := s.Name(t.Context(), lane, fmt.Sprintf("hello/%d#1", i)); err != nil {
			t.Fatal(err)
		}
		_ = worker.Close()
		s.until(t, "the worker to be gone", func(s control.Snapshot) bool { return len(s.Lanes) == 0 })
		if i == 0 {
			if err := s.Exited(t.Context(), control.Exit{Worker: "hello/0#1", Code: 3, Reason: "exit status 3"}); err != nil {
				t.Fatal(err)
			}
		}
		s.until(t, "letters", func(s control.Snapshot) bool { return s.Counters.Dead == uint64(i) })
		s = s.takeOver(t, opts)
	}
	if answer := client.recv(); !strings.Contains(answer[1], "UNAVAILABLE") {
		t.Errorf("got %q", answer)
	}
	if err := s.Exited(t.Context(), control.Exit{Worker: "hello/1#1", Code: 4, Reason: "exit status 4"}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "both exits in the letter", func() bool {
		letters, err := opts.DeadLetters.List()
		return err == nil && len(letters) == 1 && len(letters[0].Attempts) == 2 &&
			letters[0].Attempts[0].Exit != nil && letters[0].Attempts[0].Exit.Code == 3 &&
			letters[0].Attempts[1].Exit != nil && letters[0].Attempts[1].Exit.Code == 4
	})
	if n := s.snapshot(t).Counters.Dead; n != 1 {
		t.Errorf("%d letters are counted", n)
	}
}

// An ipc port's file outlives the process that made it, and goes with the last one.
func TestTakeOverOfIPC(t *testing.T) {
	s := serve(t, Options{})
	if info, err := os.Stat(s.control); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	next := s.takeOver(t, Options{})
	info, err := os.Stat(next.control)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the control socket after a take-over: %v, %v", info, err)
	}
	if err := next.stop(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(next.control[:strings.LastIndexByte(next.control, '/')])
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// A worker whose process was not known yet is looked for again.
func TestTakenLanesAreResolved(t *testing.T) {
	d := newDesk(t, 0, 2)
	for i, c := range d.lanes {
		c.lane.id, c.lane.told = uint64(i+1), i == 0
		d.loop.lanes.list = append(d.loop.lanes.list, c.lane)
	}
	d.before = io.NopCloser(nil)
	d.begin()
	if len(d.loop.lanes.resolver.asked) != 1 {
		t.Fatalf("%d are looked for, want 1", len(d.loop.lanes.resolver.asked))
	}
	if q := <-d.loop.lanes.resolver.asked; q.lane != 2 {
		t.Errorf("lane %d is looked for", q.lane)
	}
}

// Time in which nobody was listened to counts against no peer.
func TestAwaken(t *testing.T) {
	const before, away = 10 * time.Second, 3 * time.Second
	d := newDesk(t, 1, 1)
	d.now, d.began = before, time.Now().Add(-before-away)
	d.take(d.clients[0], wire("", "one"))
	d.act()
	ln := d.lanes[0].lane
	ln.heartbeat = heartbeat{heard: 8 * time.Second, pinged: 9 * time.Second}
	d.loop.lanes.list = append(d.loop.lanes.list, ln)
	shaking := &conn{until: 11 * time.Second}
	d.shaking = append(d.shaking, shaking)
	d.awaken(before)
	_, since, _ := ln.core.Oldest()
	for what, got := range map[string]time.Duration{
		"heard": ln.heartbeat.heard - 8*time.Second, "pinged": ln.heartbeat.pinged - 9*time.Second,
		"until": shaking.until - 11*time.Second, "since": since - before, "now": d.now - before,
	} {
		if got < away || got > away+patience {
			t.Errorf("%s has moved by %v, not %v", what, got, away)
		}
	}
}

// Names of workers were another supervisor's: the next one begins anew with the same. Who was told to get nothing new still gets nothing.
func TestTakeOverForgetsWorkers(t *testing.T) {
	s := serve(t, Options{})
	join(t, s.backend, "REP")
	s.until(t, "the lane", func(s control.Snapshot) bool { return len(s.Lanes) == 1 && s.Lanes[0].Pid == os.Getpid() })
	if err := s.Name(t.Context(), 1, "hello/0#1"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Hold(t.Context(), []string{"hello/0#1"}), s.Drain(t.Context(), "hello/0#1")); err != nil {
		t.Fatal(err)
	}
	s = s.takeOver(t, Options{ForgetWorkers: true})
	if lane := s.snapshot(t).Lanes[0]; lane.Worker != "" || !lane.Draining {
		t.Errorf("the lane is %+v", lane)
	}
	join(t, s.backend, "REP")
	s.until(t, "another lane", func(s control.Snapshot) bool { return len(s.Lanes) == 2 })
	if err := s.Name(t.Context(), 2, "hello/0#1"); err != nil {
		t.Fatal(err)
	}
	if lane := s.snapshot(t).Lanes[1]; lane.Worker != "hello/0#1" || lane.Draining || lane.OnHold {
		t.Errorf("the next worker of that name is %+v", lane)
	}
}

// A client of one process does not take another's answer for its.
func TestClientOfOneProcess(t *testing.T) {
	s := serve(t, Options{})
	own := control.DialProcess(s.control, os.Getpid())
	defer own.Close()
	if snap, err := own.Snapshot(t.Context()); err != nil || snap.Pid != os.Getpid() {
		t.Errorf("%d, %v", snap.Pid, err)
	}
	if cred, err := control.Listening(t.Context(), s.control); err != nil || int(cred.Pid) != os.Getpid() || int(cred.Uid) != os.Getuid() {
		t.Errorf("%+v, %v", cred, err)
	}
	other := control.DialProcess(s.control, 1)
	defer other.Close()
	if _, err := other.Snapshot(t.Context()); !errors.Is(err, control.ErrOther) {
		t.Errorf("a snapshot of process 1: %v", err)
	}
	if _, err := other.Listeners(t.Context()); !errors.Is(err, control.ErrOther) {
		t.Errorf("listeners of process 1: %v", err)
	}
}
