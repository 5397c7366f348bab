package workerkit_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/workerkit/control"
)

func TestPluginLife(t *testing.T) {
	h := newHub(t, ipc(t))
	p := startPlugin(t, "two lanes")
	await.Until(t, "the setup", func() bool { return p.health(patience).Reason == "it has not been told where to connect" })
	if got := p.begin(h); got.Concurrency != 2 {
		t.Fatalf("it opens %d sockets; want 2", got.Concurrency)
	}
	await.Until(t, "ready", func() bool { return p.health(patience).Ready })
	h.expect(h.send([]byte("a"), nil), []byte("a"), nil)
	_, err := p.control.Drain(t.Context(), &control.DrainRequest{})
	must(t, err)
	if got := p.health(patience); got.Ready || got.Reason != "it has ended" {
		t.Fatalf("after Drain: %v", got)
	}
	p.signal(syscall.SIGTERM)
	p.expectExit(0)
	if left := files(t, p.sockets); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
	if log := p.stderr.String(); strings.Contains(log, "ERROR") || strings.Contains(log, "error") {
		t.Errorf("it complains:\n%s", log)
	}
}

func TestStartOverridesTheConcurrency(t *testing.T) {
	h := newHub(t, ipc(t))
	p := startPlugin(t, "two lanes")
	reply, err := p.control.Start(t.Context(), &control.StartRequest{Backends: []string{h.endpoint}, Concurrency: 5})
	must(t, err)
	if reply.Concurrency != 5 {
		t.Fatalf("it opens %d sockets", reply.Concurrency)
	}
	h.awaitLanes(5)
}

func TestStartRefuses(t *testing.T) {
	h := newHub(t, ipc(t))
	p := startPlugin(t, "plain")
	start := func(r *control.StartRequest) codes.Code {
		_, err := p.control.Start(t.Context(), r)
		return status.Code(err)
	}
	good := &control.StartRequest{Backends: []string{h.endpoint}}
	for i, step := range []struct {
		request *control.StartRequest
		want    codes.Code
	}{
		{&control.StartRequest{}, codes.InvalidArgument},
		{&control.StartRequest{Backends: good.Backends, Concurrency: -1}, codes.InvalidArgument},
		{good, codes.OK},
		{good, codes.AlreadyExists},
	} {
		if got := start(step.request); got != step.want {
			t.Fatalf("step %d: got %s; want %s", i, got, step.want)
		}
	}
	_, err := p.control.Drain(t.Context(), &control.DrainRequest{})
	must(t, err)
	if got := start(good); got != codes.FailedPrecondition {
		t.Fatalf("after Drain: got %s", got)
	}
}

func TestABackendThatCannotBe(t *testing.T) {
	p := startPlugin(t, "plain")
	_, _ = p.control.Start(t.Context(), &control.StartRequest{Backends: []string{"tcp//x"}}) // its end can overtake the reply
	p.expectExit(1)
	p.expectLog(`cannot open lane 1 of 1: cannot connect to \"tcp//x\": invalid argument`)
}

func TestStatsAreExact(t *testing.T) {
	h := newHub(t, ipc(t))
	p := startPlugin(t, "plain")
	p.begin(h)
	stats := func() *control.StatsReply {
		s, err := p.control.Stats(t.Context(), &control.StatsRequest{})
		must(t, err)
		return s
	}
	for _, request := range []string{"a", "b", "fail", "panic", "c", "fail"} {
		h.send([]byte(request))
		h.receive()
	}
	if s := stats(); s.Answered != 6 || s.Failed != 2 || s.Panicked != 1 || s.InFlight != 0 {
		t.Fatalf("got %v", s)
	}
	g := newGate(t)
	before := stats().HandlerSeconds
	h.send(g.wait())
	await.Until(t, "a request under way", func() bool { return stats().InFlight == 1 })
	began := time.Now()
	await.Until(t, "100 ms in the handler", func() bool { return time.Since(began) >= 100*time.Millisecond })
	g.open()
	h.receive()
	if s := stats(); s.Answered != 7 || s.InFlight != 0 || s.HandlerSeconds-before < 0.1 || s.HandlerSeconds-before > 10 {
		t.Fatalf("got %v", s)
	}
}

func TestSlowSetup(t *testing.T) {
	h, g := newHub(t, ipc(t)), newGate(t)
	p := startPlugin(t, "slow setup", "TEST_GATE="+g.path)
	p.begin(h) // returns at once
	if got := p.health(patience); got.Ready || got.Reason != "it is being set up" {
		t.Fatalf("got %v", got)
	}
	g.open()
	await.Until(t, "ready", func() bool { return p.health(patience).Ready })
	h.expect(h.send([]byte("x")), []byte("x"))
}

func TestBrokenSetup(t *testing.T) {
	p := startPlugin(t, "broken setup")
	p.expectExit(1)
	p.expectLog("cannot set up: no model at /models/x")
}

func TestHealth(t *testing.T) {
	for worker, want := range map[string]string{
		"unhealthy":   "the database is away",
		"panicky":     "INTERNAL: the health check panicked: boom",
		"hung health": "the health check did not return within ",
	} {
		t.Run(worker, func(t *testing.T) {
			h := newHub(t, ipc(t))
			p := startPlugin(t, worker)
			p.begin(h)
			var got *control.HealthReply
			await.Until(t, "the check to be asked", func() bool {
				got = p.health(time.Second)
				return got.Ready || !strings.HasPrefix(got.Reason, "it ")
			})
			if got.Ready || !strings.HasPrefix(got.Reason, want) {
				t.Fatalf("got %v; want %q", got, want)
			}
		})
	}
}

func TestAlive(t *testing.T) {
	for worker, want := range map[string]string{
		"plain":      "",
		"unhealthy":  "",
		"dead":       "a lock is never released",
		"hung alive": "the alive check did not return within ",
	} {
		t.Run(worker, func(t *testing.T) {
			h := newHub(t, ipc(t))
			p := startPlugin(t, worker)
			if got := p.alive(patience); !got.Alive {
				t.Fatalf("before its start: %v", got)
			}
			p.begin(h)
			h.awaitLanes(1)
			var got *control.AliveReply
			await.Until(t, "its answer", func() bool {
				got = p.alive(time.Second)
				return got.Alive == (want == "")
			})
			if !strings.HasPrefix(got.Reason, want) {
				t.Fatalf("got %v; want %q", got, want)
			}
			_, err := p.control.Drain(t.Context(), &control.DrainRequest{})
			must(t, err)
			if got := p.alive(patience); !got.Alive {
				t.Fatalf("after its drain: %v", got)
			}
		})
	}
}

func TestDrainRPC(t *testing.T) {
	h, g := newHub(t, ipc(t)), newGate(t)
	p := startPlugin(t, "plain")
	p.begin(h)
	token := h.send(g.wait())
	h.send([]byte("more"))
	p.expectLog("waiting")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.control.Drain(ctx, &control.DrainRequest{}); status.Code(err) != codes.DeadlineExceeded {
		t.Fatalf("Drain with a request under way: %v", err)
	}
	if got := p.health(patience); got.Ready || got.Reason != "it is draining" {
		t.Fatalf("got %v", got)
	}
	g.open()
	_, err := p.control.Drain(t.Context(), &control.DrainRequest{})
	must(t, err)
	h.expect(token, g.wait())
	h.expectNothing()
	p.signal(syscall.SIGTERM)
	p.expectExit(0)
}

func TestClosingTheControlConnectionEndsIt(t *testing.T) {
	h := newHub(t, ipc(t))
	p := startPlugin(t, "plain")
	p.begin(h)
	h.awaitLanes(1)
	p.client.Kill() // closes, waits 2 s, kills
	p.expectExit(0)
	if left := files(t, p.sockets); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

func TestPrintsReachStandardErrorAndBlockNothing(t *testing.T) {
	h := newHub(t, ipc(t))
	p := startPlugin(t, "plain")
	p.begin(h)
	h.expect(h.send([]byte("print 10")), nil)
	await.Until(t, "10 MiB on standard error", func() bool { return p.stderr.Len() >= 10<<20 })
	p.expectLog("printed before Main")
	if p.synced.Len() > 0 {
		t.Errorf("%d bytes went through go-plugin's pipes", p.synced.Len())
	}
}

func TestItsChildrenAreNoPlugins(t *testing.T) {
	h := newHub(t, ipc(t))
	p := startPlugin(t, "plain")
	p.begin(h)
	h.expect(h.send([]byte("env "+control.Handshake.MagicCookieKey)), nil)
	h.expect(h.send([]byte("env "+control.EnvLifeline)), nil)
}

func TestAutoMTLSIsRefused(t *testing.T) {
	p := command(t, "plain", nil, "PLUGIN_CLIENT_CERT=x", control.Handshake.MagicCookieKey+"="+control.Handshake.MagicCookieValue).start()
	p.expectExit(1)
	p.expectLog("cannot serve with AutoMTLS: start the worker without it")
}

func TestWithoutAControlSocketItEnds(t *testing.T) {
	cookie := control.Handshake.MagicCookieKey + "=" + control.Handshake.MagicCookieValue
	p := command(t, "plain", nil, plugin.EnvUnixSocketDir+"=/nowhere", cookie).start()
	p.expectExit(1)
	p.expectLog("open /nowhere/plugin")
	p.expectLog("cannot serve the control service: the log has the reason")
}
