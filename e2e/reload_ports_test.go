package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// Other ports and settings of the proxy, under load: connections that there are go on, new ones are taken at the new port alone, the workers
// are replaced by such as connect to the new backend, and nothing is lost or run twice.
func TestReloadOfPortsUnderLoad(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 3\n[service.echo.delivery]\nqueue = 1000\n")
	l := startLoad(t, f.frontend, 8)
	before := f.mustPs(t)
	front, back := fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t)), fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t))
	f.rewrite(t, f.frontend, front)
	f.rewrite(t, f.backend, back)
	f.rewrite(t, "queue = 1000", "queue = 2000")
	want := fmt.Sprintf("proxy echo: frontend %s → %s, backend %s → %s, delivery.queue 1000 → 2000\nroll echo: backend %[3]s → %s\n",
		f.frontend, front, f.backend, back)
	if out, err := f.zfleet(t, "reload"); err != nil || string(out) != want {
		t.Fatalf("reload: %v\n%s\nwant\n%s", err, out, want)
	}
	if f.open() {
		t.Error("the old port is open")
	}
	l.progress(200)
	f.frontend, f.backend = front, back
	f.ask(t, "new")
	f.foreign(t)
	f.until(t, "who connects to the new backend", func(s admin.Service) bool { return len(s.Foreign) == 1 })
	l.stop()
	after := f.mustPs(t)
	if after.Counters.Redelivered != 0 || after.Counters.Failed != 0 || lifeSum(after) != 6 || after.Proxy.Pid == before.Proxy.Pid {
		t.Errorf("%+v", after)
	}
	if after.Bound == nil || after.Bound.Frontend[0] != front || after.Frontend[0] != front || after.Backend[0] != back {
		t.Errorf("bound to %+v, declared %v, %v", after.Bound, after.Frontend, after.Backend)
	}
}

// Settings alone: the workers are not replaced.
func TestReloadOfDeliveryUnderLoad(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\ncount = 2\n[service.echo.delivery]\nattempts = 3\n")
	l := startLoad(t, f.frontend, 8)
	f.rewrite(t, "attempts = 3", "attempts = 1")
	if out, err := f.zfleet(t, "reload"); err != nil || string(out) != "proxy echo: delivery.attempts 3 → 1\n" {
		t.Fatalf("reload: %v\n%s", err, out)
	}
	l.progress(200)
	l.stop()
	if s := f.mustPs(t); lifeSum(s) != 2 || s.Counters.Redelivered != 0 {
		t.Errorf("%+v", s)
	}
	if e := failed(t, f.request(t, "exit 3")); e.Code != "UNAVAILABLE" || e.Attempts != 1 {
		t.Errorf("the new settings do not hold: %+v", e)
	}
}

// One port that is taken refuses all of it: the other one that was to change does not, and nobody listens there.
func TestReloadWithAnotherPortThatIsTaken(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\ncount = 1\n")
	before := f.mustPs(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	front := fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t))
	f.rewrite(t, f.frontend, front)
	f.rewrite(t, f.backend, "tcp://"+taken.Addr().String())
	out, err := f.zfleet(t, "reload")
	if err == nil || !strings.Contains(err.Error(), "cannot listen on tcp://"+taken.Addr().String()+": the port is taken by") {
		t.Errorf("reload: %v\n%s", err, out)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(front, "tcp://")); err == nil {
		_ = conn.Close()
		t.Error("the port that was free is open")
	}
	if after := f.mustPs(t); after.Proxy.Pid != before.Proxy.Pid || after.Frontend[0] != f.frontend {
		t.Errorf("%+v", after)
	}
	f.ask(t, "as before")
}

// A proxy that cannot take over leaves ports and settings as they were.
func TestReloadWhoseProxyFails(t *testing.T) {
	t.Parallel()
	f := upgradable(t, "plugin = \"misbehave\"\ncount = 1\n")
	before := f.mustPs(t)
	install(t, f.program, []byte("#!/bin/sh\necho I am broken >&2\nexit 3\n"))
	front := fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t))
	f.rewrite(t, f.frontend, front)
	out, err := f.zfleet(t, "reload")
	if err == nil || !strings.Contains(err.Error(), "cannot replace the proxy of echo") || !strings.Contains(err.Error(), "I am broken") {
		t.Errorf("reload: %v\n%s", err, out)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(front, "tcp://")); err == nil {
		_ = conn.Close()
		t.Error("the new port is open")
	}
	if after := f.mustPs(t); after.Proxy.Pid != before.Proxy.Pid || after.Frontend[0] != f.frontend {
		t.Errorf("%+v", after)
	}
	f.ask(t, "as before")
}
