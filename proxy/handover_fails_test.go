package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/internal/passfd"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/handover"
)

// halfTaker is a process that asks to take over and goes only so far.
type halfTaker struct {
	t    *testing.T
	conn *net.UnixConn
	fds  []int
}

// close ends what it has, once: another's descriptors may have the same numbers later.
func (h *halfTaker) close() {
	_ = h.conn.Close()
	passfd.CloseAll(h.fds)
	h.fds = nil
}

func (h *halfTaker) intro() {
	var intro handover.Intro
	if err := handover.NewReader(h.conn).Expect(handover.KindIntro, &intro); err != nil {
		h.t.Fatal(err)
	}
	fds, err := passfd.Receive(h.conn, intro.Conns)
	if err != nil {
		h.t.Fatal(err)
	}
	h.fds = fds
}

// all reads up to the end, and what there is.
func (h *halfTaker) all() {
	h.intro()
	in := handover.NewReader(h.conn)
	for {
		kind, _, body, err := in.Next()
		if err == nil {
			err = in.Body(make([]byte, body))
		}
		if err != nil {
			h.t.Fatal(err)
		}
		if kind == handover.KindEnd {
			return
		}
	}
}

// Whatever becomes of a process that wants to take over, at whatever point, the proxy goes on with nothing lost, and soon. What that process
// may still hold of its connections does not keep it from ending them.
func TestTakeOverFails(t *testing.T) {
	for name, c := range map[string]struct {
		until func(*halfTaker)
		holds bool // it does not hang up
	}{
		"gone at once":               {func(*halfTaker) {}, false},
		"gone with the descriptors":  {(*halfTaker).intro, false},
		"gone with everything":       {(*halfTaker).all, false},
		"still at once":              {func(*halfTaker) {}, true},
		"still with the descriptors": {(*halfTaker).intro, true},
		"still with everything":      {(*halfTaker).all, true},
		"says no": {func(h *halfTaker) {
			h.all()
			_ = handover.NewWriter(h.conn).No(io.ErrShortBuffer)
		}, true},
		"says nonsense": {func(h *halfTaker) {
			h.all()
			_, _ = h.conn.Write([]byte(strings.Repeat("nonsense", 10)))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, Options{Heartbeat: time.Second, HeartbeatTimeout: 2 * time.Second})
			client, worker := join(t, s.frontend, "DEALER"), join(t, s.backend, "REP")
			client.send(wire("", "one"), wire("", "two", strings.Repeat("x", 2<<20)))
			first := worker.recv()
			s.until(t, "both", func(s control.Snapshot) bool { return s.Counters.Requests == 2 })
			conn, err := s.Upgrade(t.Context(), control.PathHandover, handover.Ask{Format: handover.Format, Parts: handover.Parts})
			if err != nil {
				t.Fatal(err)
			}
			h := &halfTaker{t: t, conn: conn}
			c.until(h)
			if !c.holds {
				h.close()
			}
			began := time.Now()
			worker.send(wire(first...))
			if got := client.recv(); got[1] != "one" {
				t.Errorf("got %q", got)
			}
			if pause := time.Since(began); pause > giveStall+10*time.Second {
				t.Errorf("the proxy stood still for %v", pause)
			}
			worker.send(wire(worker.recv()...))
			client.recv()
			if snap := s.snapshot(t); snap.Counters.Redelivered != 0 || len(snap.Lanes) != 1 {
				t.Errorf("%+v", snap)
			}
			_ = worker.Close()
			s.until(t, "the worker to be gone", func(s control.Snapshot) bool { return len(s.Lanes) == 0 })
			client.send([]byte("nonsense\x00\x00"))
			client.closed() // though another process has the connection too
			h.close()
			s = s.takeOver(t, Options{})
			client, worker = join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
			client.send(wire("", "three"))
			worker.send(wire(worker.recv()...))
			client.recv()
		})
	}
}

// What cannot be taken over is refused in words, on both sides, and the old proxy goes on.
func TestTakeOverRefused(t *testing.T) {
	s := serve(t, Options{})
	client, worker := join(t, s.frontend, "REQ"), join(t, s.backend, "REP")
	client.send(wire("", "one"))
	held := worker.recv()
	for want, ask := range map[string]handover.Ask{
		"this proxy writes format 1, and the new one reads 2": {Format: 2, Parts: handover.Parts},
		"the new proxy does not know of workers":              {Format: 1, Parts: slices.DeleteFunc(slices.Clone(handover.Parts), func(s string) bool { return s == "workers" })},
	} {
		if _, err := s.Upgrade(t.Context(), control.PathHandover, ask); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	nowhere := Options{DeadLetters: dead.Store{Path: filepath.Join(t.TempDir(), "no", "folder"), Bytes: 1}}
	if _, err := s.tryTakeOver(t, nowhere); err == nil || !strings.Contains(err.Error(), "cannot keep dead letters in") {
		t.Errorf("took over without a place for dead letters: %v", err)
	}
	if _, err := TakeOver(t.Context(), Options{}, s.control); err == nil {
		t.Error("took over without ports")
	}
	at := s.control
	s.control += ".not"
	if _, err := s.tryTakeOver(t, Options{}); err == nil || !strings.Contains(err.Error(), "cannot reach the proxy") {
		t.Errorf("took over from nobody: %v", err)
	}
	s.control = at
	worker.send(wire(held...))
	client.recv()
	left, err := os.ReadDir(filepath.Dir(s.control))
	if err != nil || len(left) != 1 {
		t.Errorf("%v are left, %v", left, err)
	}
	go func() { _ = s.stop() }()
	await.Until(t, "the proxy to be ending", func() bool { _, err := s.Snapshot(t.Context()); return err != nil })
	if _, err := s.tryTakeOver(t, Options{}); err == nil {
		t.Error("took over from a proxy that has ended")
	}
}

// What is handed over is all there is: each field of what the loop owns is carried, or follows from what is, or is this process's own.
func TestHandoverIsComplete(t *testing.T) {
	for _, known := range []struct {
		of     any
		fields string
	}{
		{loop{}, "opts=own log=own poll=own inbox=own began=Began now=Now fatal=own core=Core pool=own roles=own listeners=own bound=own " +
			"conns=Conn clients=counted open=counted room=own trusted=counted dirty=none shaking=Shake lanes=Lane scratch=own vec=own " +
			"reclaimer=own tidyAt=own tidied=own spare=own nextBeat=own acting=none count=Counters letters=Letters reports=own " +
			"quiet=Quiet emptied=asked-anew ending=refused done=refused giving=asked-anew given=own lent=own before=own"},
		{conn{}, "fd=descriptor side=Backend closed=none dirty=none mute=Mute interest=wanted shake=Shake since=Since until=Until " +
			"scan=found-again in=In need=found-again trusted=counted pongs=Pongs out=body client=Client paused=Paused choked=Choked " +
			"complained=Complained lane=Lane"},
		{lane{}, "id=ID conn=conn core=Core worker=Worker peer=Peer pid=Pid since=Since orphan=Orphan told=Told hung=Hung unfit=Unfit worse=Worse until=Out heartbeat=Heard,Pinged,Able"},
		{heartbeat{}, "heard=Heard pinged=Pinged able=Able"},
		{lanes{}, "list=Conn.Lane last=Lane resolver=asked-anew watchers=asked-anew unread=none leaving=Leaving onHold=OnHold"},
		{leaving{}, "names=Leaving waiting=asked-anew"},
		{outbox{}, "parts=body bytes=counted"},
		{message{}, "data=body envelope=found-again buffer=own refs=counted arrived=Arrived attempts=Attempts"},
		{letterWriter{}, "store=own log=own each=own queue=none limit=own exits=none ended=own stills=own again=own isStill=own held=none " +
			"kept=Kept lost=Lost recent=Recent awaited=Awaited complained=own"},
		{awaited{}, "worker=Worker letter=Letter"},
	} {
		fields := strings.Fields(known.fields)
		for f := range reflect.TypeOf(known.of).Fields() {
			i := slices.IndexFunc(fields, func(word string) bool { return strings.HasPrefix(word, f.Name+"=") })
			if i < 0 {
				t.Errorf("%T has a new field %s: carry it in package handover, save.go and restore.go if it must outlive a hand-over, and say so here",
					known.of, f.Name)
				continue
			}
			fields = slices.Delete(fields, i, i+1)
		}
		if len(fields) > 0 {
			t.Errorf("%T has no %v any more", known.of, fields)
		}
	}
}

// FuzzRestore makes loops of anything. It is an error, or a loop whose books agree.
func FuzzRestore(f *testing.F) {
	d := newDesk(f, 2, 2)
	for i, c := range d.lanes {
		c.lane.id = uint64(i + 1)
	}
	d.loop.lanes.last = 2
	for _, c := range d.clients {
		d.take(c, slices.Concat(wire("", "one"), wire("", "two"), wire("", "three")[:3]))
	}
	var told strings.Builder
	say := func() {
		told.Reset()
		if err := d.tellState(handover.NewWriter(&told), d.connections(), handover.Letters{}); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(told.String()), uint8(len(d.connections())))
		if err := restored(f, told.String(), len(d.connections())); err != nil {
			f.Fatal(err)
		}
	}
	say()
	d.act()
	say()
	f.Fuzz(func(t *testing.T, in []byte, n uint8) {
		_ = restored(t, string(in), int(n))
	})
}

// restored makes a loop of what is told, with descriptors of nothing: it must not touch them.
func restored(tb testing.TB, told string, n int) error {
	l, err := newLoop(Options{Dispatch: dispatch.Config{Deadline: time.Minute}}.withDefaults())
	if err != nil {
		tb.Fatal(err)
	}
	defer l.close()
	fds := make([]int, n)
	for i := range fds {
		fds[i] = 1000 + i
	}
	err = l.restore(handover.NewReader(strings.NewReader(told)), fds)
	if err == nil {
		if err := l.core.Check(); err != nil {
			tb.Error(err)
		}
		if len(l.connections()) != n {
			tb.Errorf("%d connections for %d descriptors", len(l.connections()), n)
		}
	}
	l.conns = nil
	return err
}

// Who is told to end when it has said Ready still takes what it is given: the other one has ended, and nobody else would have it.
func TestTakeOverIsNotGivenUpAfterReady(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	giver, taker := unixConn(t, ends[0]), unixConn(t, ends[1])
	d := newDesk(t, 0, 0)
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan error, 1)
	l, err := newLoop(Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	go func() { heard <- l.hear(ctx, taker) }()
	say := handover.NewWriter(giver)
	intro := handover.Intro{Format: handover.Format, Parts: handover.Parts, Pid: 2}
	if err := errors.Join(say.Say(handover.KindIntro, intro), d.tellState(say, nil, handover.Letters{})); err != nil {
		t.Fatal(err)
	}
	if err := handover.NewReader(giver).Expect(handover.KindReady, nil); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-heard:
		t.Fatalf("it gave up: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if err := errors.Join(say.Say(handover.KindGo, nil), <-heard); err != nil {
		t.Error(err)
	}
}

func unixConn(t *testing.T, fd int) *net.UnixConn {
	t.Helper()
	file := os.NewFile(uintptr(fd), "end")
	defer func() { _ = file.Close() }()
	conn, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.UnixConn)
}
