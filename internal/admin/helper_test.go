package admin

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// patience is far more than anything here takes on a busy machine.
const patience = 20 * time.Second

// shortDir is a temporary folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustListen(t *testing.T, path string) net.Listener {
	t.Helper()
	ln, err := Listen(path)
	must(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// fakeFleet answers what its fields say.
type fakeFleet struct {
	status  func(context.Context) (Status, error)
	scale   func(ScaleRequest) (ScaleReply, error)
	settled func(context.Context, string) (Status, error)
	down    func(DownRequest) error
	restart func(RestartRequest) (RestartReply, error)
	reload  func(ReloadRequest) (ReloadReply, error)
	rolled  func(context.Context, string, int) (Roll, error)
	events  func(context.Context, EventQuery, func(any) error) error
}

func (f fakeFleet) Status(ctx context.Context) (Status, error)                  { return f.status(ctx) }
func (f fakeFleet) Scale(_ context.Context, r ScaleRequest) (ScaleReply, error) { return f.scale(r) }
func (f fakeFleet) Settled(ctx context.Context, service string) (Status, error) {
	return f.settled(ctx, service)
}
func (f fakeFleet) Down(_ context.Context, r DownRequest) error { return f.down(r) }
func (f fakeFleet) Upgrade(_ context.Context, r UpgradeRequest) (UpgradeReply, error) {
	return UpgradeReply{Upgrades: []Upgrade{{Service: r.Service, Number: 1, State: UpgradeUpgrading}}}, nil
}

func (f fakeFleet) Upgraded(_ context.Context, service string) (Upgrade, error) {
	return Upgrade{Service: service, Number: 1, State: UpgradeDone}, nil
}

func (f fakeFleet) Restart(_ context.Context, r RestartRequest) (RestartReply, error) {
	return f.restart(r)
}
func (f fakeFleet) Reload(_ context.Context, r ReloadRequest) (ReloadReply, error) {
	return f.reload(r)
}
func (f fakeFleet) Rolled(ctx context.Context, service string, number int) (Roll, error) {
	return f.rolled(ctx, service, number)
}
func (f fakeFleet) Events(ctx context.Context, q EventQuery) (func(func(any) error) error, error) {
	if q.Service == "none" {
		return nil, Errorf(CodeUnknownService, "no service none")
	}
	return func(tell func(any) error) error { return f.events(ctx, q, tell) }, nil
}
func (f fakeFleet) Version() Version { return me }

var me = Version{Version: "v1.2.3", Pid: os.Getpid(), Fleet: "hello", File: "/srv/hello/fleet.toml"}

// served is a client of a fleet that is served over a real socket until the test ends.
func served(t *testing.T, fleet Fleet) (*Client, *Server) {
	t.Helper()
	path := filepath.Join(shortDir(t), "admin.sock")
	ln := mustListen(t, path)
	server := NewServer(fleet, me.Version)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	client := NewClient(path)
	client.Fleet = "hello"
	t.Cleanup(func() {
		client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return client, server
}
