package cli

import (
	"context"
	"slices"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// upgrades is a fleet whose upgrade comes to this.
func upgrades(to admin.Upgrade) *fakeFleet {
	f := hello()
	f.upgraded = func(context.Context) (admin.Upgrade, error) { return to, nil }
	return f
}

func TestUpgradeWaits(t *testing.T) {
	sandbox(t)
	f := upgrades(admin.Upgrade{Service: "hello", State: admin.UpgradeDone, Pid: 12, Version: "v2", Clients: 1})
	socket := serve(t, f)
	const done = "hello: pid 10 → 12, v1 → v2, with 1 client\n"
	wants(t, exitOK, done, "", "upgrade", "hello", "--socket", socket)
	wants(t, exitOK, done, "", "upgrade", "--socket", socket)
	wants(t, exitOK, "hello: its proxy (pid 10, v1) is to be replaced\n", "", "upgrade", "--no-wait", "--socket", socket)
	if !slices.Equal(f.upgrades, []string{"hello", "", ""}) {
		t.Errorf("asked for %q", f.upgrades)
	}
	wants(t, exitFailed, "", "zfleet: fleet hello has no service \"helo\"; it has hello\nhint: did you mean hello?\n", "upgrade", "helo", "--socket", socket)
}

func TestUpgradeThatFails(t *testing.T) {
	sandbox(t)
	socket := serve(t, upgrades(admin.Upgrade{
		Service: "hello", State: admin.UpgradeFailed, Reason: "hello/proxy#2 did not take over: exited with status 1: no such format",
		LastLines: []string{"starting", "no such format"},
	}))
	wants(t, exitFailed, "", "zfleet: cannot replace the proxy of hello: hello/proxy#2 did not take over: exited with status 1: no such format\n"+
		"zfleet:   starting\nzfleet:   no such format\nhint: the proxy that was there serves on; zfleet events tells more\n", "upgrade", "--socket", socket)
}

func TestUpgradeThatIsLate(t *testing.T) {
	sandbox(t)
	f := hello()
	f.upgraded = func(ctx context.Context) (admin.Upgrade, error) {
		<-ctx.Done()
		return admin.Upgrade{}, ctx.Err()
	}
	wants(t, exitLate, "", "zfleet: the proxy of hello is not replaced after 10ms; the fleet goes on\nhint: zfleet ps\n",
		"upgrade", "--timeout", "10ms", "--socket", serve(t, f))
}

func TestProxyLines(t *testing.T) {
	svc := admin.Service{Name: "hello", Proxy: admin.Proxy{Version: "v1"}}
	same := &admin.Supervisor{Version: "v1"}
	if lines := proxyLines(svc, same); len(lines) > 0 {
		t.Errorf("nothing to tell of: %q", lines)
	}
	svc.Proxy.Stale = true
	svc.Upgrade = &admin.Upgrade{State: admin.UpgradeFailed, Reason: "no such format"}
	want := []string{
		"hello: its proxy is of version v1, the supervisor of v2",
		"hello: its proxy is stale, zfleet has changed on disk since it was started: zfleet upgrade hello",
		"hello: no new proxy has taken over, the old one serves on: no such format",
	}
	if lines := proxyLines(svc, &admin.Supervisor{Version: "v2"}); !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
	svc.Proxy.Stale, svc.Upgrade.State = false, admin.UpgradeUpgrading
	if lines := proxyLines(svc, same); !slices.Equal(lines, []string{"hello: a new proxy takes over"}) {
		t.Errorf("got %q", lines)
	}
}
