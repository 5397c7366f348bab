package e2e

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
)

func sorted(names iter.Seq[string]) []string { return slices.Sorted(names) }

// One proxy takes over from the other under load, several times in a row and with other flags each time. Clients and workers keep their
// connections, those of the kernel's table, every request is run once and answered once, and the operator sees one history.
func TestTakeOver(t *testing.T) {
	l := startLine(t)
	const workers, clients = 20, 200
	c := gather(t, l, workers, clients)
	var before control.Snapshot
	await.Until(t, "everybody to be there", func() bool {
		s, err := l.Snapshot(t.Context())
		before = s
		return err == nil && s.Clients == clients && len(s.Lanes) == workers && !slices.ContainsFunc(s.Lanes, func(ln control.Lane) bool { return ln.Pid == 0 })
	})
	t.Logf("slowest of 2000 replies: %v", c.progress(2000))
	connections := l.established(t)
	if len(connections) != workers+clients { // half of them, each with two ends
		t.Fatalf("%d ends of tcp connections", len(connections))
	}
	for i, flags := range [][]string{
		{}, {"--prefetch", "1"}, {"--queue", "10", "--overflow", "block"}, {"--timeout", "1m", "--deadline", "10m"},
		{"--prefetch", "100", "--dead-letters", filepath.Join(l.dir, "dead")}, {"--redeliver", "never"},
	} {
		l.takeOver(t, flags...)
		t.Logf("take-over %d: slowest of 1000 replies: %v", i+1, c.progress(1000))
		if now := l.established(t); !slices.Equal(now, connections) {
			t.Fatalf("other connections than before: %v, then %v", connections, now)
		}
	}
	after := l.snapshot(t, l.process)
	if !slices.EqualFunc(before.Lanes, after.Lanes, func(a, b control.Lane) bool {
		return a.ID == b.ID && a.Worker == b.Worker && a.Peer == b.Peer && a.Pid == b.Pid && a.Since.Equal(b.Since) && a.Answered < b.Answered
	}) {
		t.Errorf("workers were\n%+v\nare\n%+v", before.Lanes, after.Lanes)
	}
	requests := c.leave()
	after = l.snapshot(t, l.process)
	if n := after.Counters; n.Redelivered+n.Failed+n.UnknownToken+n.BadPeers+n.Abandoned != 0 || int64(n.Requests) != requests || n.Replies != n.Requests {
		t.Errorf("%d requests, and the proxy counts %+v", requests, n)
	}
	if after.Load.Answered != uint64(requests) || !closeTo(after.Since, before.Since) {
		t.Errorf("%d requests; %d answered since %v", requests, after.Load.Answered, after.Since)
	}
}

func closeTo(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

// Flags of the new proxy hold for ports too: one that is new is opened, one that no flag names any more is closed with its file, and who came
// in there stays. The new proxy's control socket may be another.
func TestTakeOverWithOtherPorts(t *testing.T) {
	l := startLine(t)
	on := func(endpoint string) *zmq4.Socket { return plug(t, zmq4.REQ, endpoint) }
	worker := start(t, []string{asWorker + "=" + l.backend[1]}, os.Args[0])
	kept, gone := on(l.frontend[0]), on(l.frontend[1])
	for _, c := range []*zmq4.Socket{kept, gone} {
		send(t, c, "one")
		expect(t, c, "one")
	}
	other := filepath.Join(l.dir, "other")
	next := start(t, nil, filepath.Join(bin, "zfleet"), "proxy", "--frontend", l.frontend[0], "--frontend", "ipc://"+l.dir+"/new",
		"--backend", "ipc://"+l.dir+"/b", "--control", other, "--take-over", l.socket)
	<-l.ended
	if l.err != nil {
		t.Fatal(l.err)
	}
	client := control.Dial(other)
	t.Cleanup(client.Close)
	for _, c := range []*zmq4.Socket{kept, gone, on(l.frontend[0]), on("ipc://" + l.dir + "/new")} {
		send(t, c, "two")
		expect(t, c, "two")
	}
	await.Until(t, "the files of what is closed to be gone", func() bool {
		left, err := os.ReadDir(l.dir)
		return err == nil && slices.Equal(names(left), []string{"b", "new", "other"})
	})
	if snap, err := client.Snapshot(t.Context()); err != nil || len(snap.Lanes) != 1 || snap.Lanes[0].Pid != worker.Process.Pid || len(snap.Frontend) != 2 {
		t.Errorf("%+v, %v", snap, err)
	}
	next.signal(t, syscall.SIGTERM)
	<-next.ended
	if left, err := os.ReadDir(l.dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", names(left), err)
	}
}

func names(entries []os.DirEntry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// A new proxy that cannot take over says why, ends, and has changed nothing: too few descriptors, a port that is somebody else's, no place for
// dead letters, nobody there.
func TestTakeOverRefused(t *testing.T) {
	l := startLine(t)
	c := gather(t, l, 4, 60)
	c.progress(200)
	port := plugged(t)
	for want, args := range map[string][]string{
		"the limit of open files":  append([]string{"sh", "-c", `ulimit -n 80; exec "$@"`, "sh"}, l.command("--take-over", l.socket)...),
		"cannot listen on " + port: l.command("--take-over", l.socket, "--frontend", port),
		"cannot keep dead letters": l.command("--take-over", l.socket, "--dead-letters", l.dir+"/no/dead"),
		"cannot reach the proxy":   l.command("--take-over", l.socket+".not"),
		"libzmq":                   l.command("--take-over", l.socket, "--engine", "libzmq"),
	} {
		next := start(t, nil, args[0], args[1:]...)
		<-next.ended
		if said := next.log.String(); next.err == nil || !strings.Contains(said, want) {
			t.Errorf("%v: %v, and says %q; want %q", args, next.err, said, want)
		}
		c.progress(200)
	}
	requests := c.leave()
	if snap := l.snapshot(t, l.process); int64(snap.Counters.Requests) != requests || snap.Counters.Redelivered != 0 {
		t.Errorf("%d requests, and the proxy counts %+v", requests, snap.Counters)
	}
}

func (l *line) command(flags ...string) []string {
	return append(append([]string{filepath.Join(bin, "zfleet")}, l.args()...), flags...)
}

// plugged is a port that is taken.
func plugged(t *testing.T) string {
	t.Helper()
	s, err := zmq4.NewSocket(zmq4.REP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	at, err := s.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A new proxy is killed while a long queue is handed over to it. The old one goes on: nothing is lost, and nothing run twice. Then another one
// takes over.
func TestTakeOverKilled(t *testing.T) {
	l := startLine(t)
	c := plug(t, zmq4.DEALER, l.frontend[0])
	const requests = 30_000
	body := strings.Repeat("x", 4000)
	for n := range requests {
		send(t, c, "", itoa(n), body)
	}
	await.Until(t, "the requests to wait", func() bool { s, err := l.Snapshot(t.Context()); return err == nil && s.Queued == requests })
	for killed := 0; killed < 3; {
		next := l.proxy(t, "--take-over", l.socket)
		await.Until(t, "the new process to have grown", func() bool { return resident(next.Process.Pid) > 60<<20 || isDone(next) })
		next.signal(t, syscall.SIGSTOP)
		time.Sleep(200 * time.Millisecond) // so that a hand-over which was done by then is told
		if strings.Contains(l.log.String(), "handed over") {
			next.signal(t, syscall.SIGCONT)
			l.process = next
		} else {
			killed++
			next.signal(t, syscall.SIGKILL)
			<-next.ended
		}
		if s := l.snapshot(t, l.process); s.Queued != requests {
			t.Fatalf("%d requests wait", s.Queued)
		}
	}
	l.takeOver(t)
	worker := plug(t, zmq4.REP, l.backend[1])
	for n := range requests {
		if got := receive(t, worker); got[0] != itoa(n) || got[1] != body {
			t.Fatalf("got %.20q, want %d", got, n)
		}
		send(t, worker, itoa(n))
		expect(t, c, "", itoa(n))
	}
	if s := l.snapshot(t, l.process); s.Counters.Redelivered != 0 || s.Counters.Replies != requests {
		t.Errorf("%+v", s.Counters)
	}
}

// isDone says whether a process has ended.
func isDone(p *process) bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}
