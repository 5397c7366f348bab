package launch

import (
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// A proxy that dies takes neither the ports nor the workers along: the next one has the same listeners, and the lanes come back.
func TestProxyRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	proxy, _ := r.startProxy()
	name, plain := r.startBoth()

	kill(t, r.pid(proxy), unix.SIGKILL)
	if exit := r.exit(proxy); exit.Signal != "SIGKILL" || exit.Rung != "" {
		t.Errorf("exit: %+v", exit)
	}
	r.unready(name, "the proxy is not there")
	frontend := listener(r.home, "frontend", 0).Bound()
	conn, err := net.Dial("tcp", strings.TrimPrefix(frontend.String(), "tcp://"))
	if err != nil {
		t.Errorf("the port is closed between two proxies: %v", err)
	} else {
		_ = conn.Close()
	}
	next, p := r.launch(fleet.ProxySlot, 2)
	r.ready(next, 1)
	r.ready(name, 2)
	r.ready(plain, 2)
	p.Stop()
	if exit := r.exit(next); exit.Rung != rungTerminated || exit.Code != 0 {
		t.Errorf("exit: %+v", exit)
	}
}

func TestProxyCommandLine(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{})
	r.svc.Delivery = fleet.Delivery{
		Prefetch: 1, Once: true, Timeout: 90 * time.Second, Deadline: 5 * time.Minute, Heartbeat: 2 * time.Second, HeartbeatTimeout: 7 * time.Second,
		Attempts: 2, Queue: 3, QueueBytes: 4, Reject: true,
		MaxMessage: 5, ClientBuffer: 6, Eject: 8 * time.Second, MaxEjected: 25,
	}
	r.svc.Health.Probe, r.svc.Health.Reply = "ping", "pong"
	r.svc.Health.Alive = fleet.Check{Interval: 3 * time.Second, Timeout: time.Second, Failures: 7}
	proxy, _ := r.startProxy()
	snapshot, err := r.Snapshot(t.Context(), "hello") // the fake proxy answers with its arguments
	if err != nil {
		t.Fatal(err)
	}
	s := r.home
	want := []string{"proxy", "--name", "hello", "--control", r.opts.RunDir + "/hello.proxy.sock",
		"--frontend", listener(s, "frontend", 0).Bound().String(), "--backend", listener(s, "backend", 0).Bound().String(), "--backend", listener(s, "backend", 1).Bound().String(),
		"--redeliver", "never", "--timeout", "1m30s", "--deadline", "5m0s", "--heartbeat", "2s", "--heartbeat-timeout", "7s", "--grace", "4s", "--orphan-grace", "0s",
		"--prefetch", "1", "--attempts", "2", "--queue", "3", "--queue-bytes", "4", "--overflow", "reject",
		"--max-message", "5", "--client-buffer", "6", "--eject", "8s", "--max-ejected", "25",
		"--probe", "ping", "--probe-reply", "pong", "--probe-interval", "3s", "--probe-timeout", "1s", "--probe-failures", "7"}
	if !slices.Equal(snapshot.Frontend, want) {
		t.Errorf("got  %q\nwant %q", snapshot.Frontend, want)
	}
	zero := strings.Join(s.proxyArgs(fleet.Service{}, time.Second, time.Minute), " ")
	if !strings.Contains(zero, "--prefetch auto ") || !strings.Contains(zero, "--timeout 0s ") || !strings.Contains(zero, "--overflow block ") || !strings.Contains(zero, "--redeliver always ") {
		t.Errorf("nothing set: %s", zero)
	}
	if snapshot.Pid != r.pid(proxy) {
		t.Errorf("pid %d", snapshot.Pid)
	}
}

// A stopped proxy lives and listens, but answers nothing.
func TestStoppedProxyIsHung(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{})
	r.svc.Health.Timeout, r.bounds.proxyAnswer, r.bounds.proxyMisses = 0, 100*time.Millisecond, 3
	r.bounds.ask = 100 * time.Millisecond
	proxy, p := r.startProxy()
	freeze(t, r.pid(proxy))
	r.unready(proxy, "no answer to 3 health checks in a row")
	await.Until(t, "Hung", func() bool {
		return r.count(func(e fleet.Event) bool { _, ok := e.(fleet.Hung); return ok }) == 1
	})
	if holds := r.Inflight(r.svc); holds != nil {
		t.Errorf("a stopped proxy says %v", holds)
	}
	p.Kill()
	r.exit(proxy)
}

func TestInflightAndQuiesce(t *testing.T) {
	t.Parallel()
	r := newRig(t, asCommand("command", "busy"))
	proxy, p := r.startProxy()
	r.Quiesce(r.svc, r.tell)
	quiesced := func() int { return r.count(func(e fleet.Event) bool { return e == fleet.Quiesced{Service: "hello"} }) }
	await.Until(t, "Quiesced", func() bool { return quiesced() == 1 })

	name, _ := r.launch(0, 1)
	r.ready(name, 1)
	if holds := r.Inflight(r.svc); len(holds) != 1 || holds[name] != 1 {
		t.Errorf("inflight: %v", holds)
	}
	r.svc.Workers.Grace = 100 * time.Millisecond
	r.Quiesce(r.svc, r.tell) // the worker never answers: grace ends it
	await.Until(t, "Quiesced", func() bool { return quiesced() == 2 })
	r.log.await(t, map[string]any{"level": "warn", "message": "grace of 100ms is over, and not all requests are answered"})

	r.svc.Workers.Grace = time.Hour
	r.Quiesce(r.svc, r.tell) // a proxy that is killed meanwhile has nobody who waits
	p.Kill()
	r.exit(proxy)
	await.Until(t, "Quiesced", func() bool { return quiesced() == 3 })
	warnings := slices.DeleteFunc(r.log.entries(t), func(e map[string]any) bool { return e["level"] != "warn" })
	if len(warnings) != 1 {
		t.Errorf("warnings %v", warnings)
	}
}

// New holds what it binds, or says why it cannot, and then holds nothing.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	free, also := "ipc://"+shortDir(t)+"/free.sock", "ipc://"+shortDir(t)+"/free.sock"
	o := Options{Self: os.Args[0], RunDir: shortDir(t), Log: zerolog.Nop(), Spec: fleet.Spec{Services: []fleet.Service{
		{Name: "a", Frontend: []string{free}},
		{Name: "b", Frontend: []string{also, "tcp://" + taken.Addr().String()}},
	}}}
	var inUse *endpoint.InUse
	if l, err := New(o); !errors.As(err, &inUse) || inUse.Pid != os.Getpid() || l != nil {
		t.Errorf("New: %v, %v", l, err)
	}
	o.Spec.Services[1].Frontend = []string{free, also}
	o.Spec.Services = o.Spec.Services[1:]
	l, err := New(o)
	if err != nil {
		t.Fatalf("a socket is still held: %v", err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
}

func TestRunDirectoryTooLong(t *testing.T) {
	t.Parallel()
	dir := "/tmp/" + strings.Repeat("x", 70)
	_, err := New(Options{Self: os.Args[0], RunDir: dir, Log: zerolog.Nop(), Spec: fleet.Spec{}})
	if err == nil || !strings.Contains(err.Error(), "choose a shorter one") {
		t.Errorf("New: %v", err)
	}
}

func TestGuardThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Self: "/nowhere/zfleet", RunDir: shortDir(t), Log: zerolog.Nop()})
	if err == nil || err.Error() != "cannot start the guard: /nowhere/zfleet: there is no such file" {
		t.Errorf("New: %v", err)
	}
}

// After Close nothing starts, and both Launch and Quiesce still say how it ended.
func TestClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	r.startProxy()
	name, _ := r.launch(0, 1)
	r.ready(name, 1)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if exit := r.exit(name); exit.Signal != "SIGKILL" {
		t.Errorf("exit: %+v", exit)
	}
	if pid := guardPid(t, r.log, 0); isAlive(pid) {
		t.Errorf("the guard lives, pid %d", pid)
	}
	late, _ := r.launch(0, 2)
	if exit := r.exit(late); exit.Reason != "not started: the supervisor is ending" {
		t.Errorf("exit: %+v", exit)
	}
	r.Quiesce(r.svc, r.tell)
	await.Until(t, "Quiesced", func() bool {
		return r.count(func(e fleet.Event) bool { return e == fleet.Quiesced{Service: "hello"} }) == 1
	})
}
