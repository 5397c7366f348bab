package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
)

const patience = 20 * time.Second

// sandbox is a run folder and a working folder of the test's own.
func sandbox(t *testing.T) (folder string) {
	t.Helper()
	run, err := os.MkdirTemp("", "zf")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(run) })
	t.Setenv("XDG_RUNTIME_DIR", run)
	t.Setenv("XDG_STATE_HOME", filepath.Join(run, "state"))
	folder = t.TempDir()
	t.Chdir(folder)
	return folder
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a command in this process.
func run(args ...string) (stdout, stderr string, code int) {
	var out, err bytes.Buffer
	code = Main(args, bytes.NewReader(nil), &out, &err)
	return out.String(), err.String(), code
}

// wants runs a command and compares all that it says.
func wants(t *testing.T, code int, stdout, stderr string, args ...string) {
	t.Helper()
	gotOut, gotErr, gotCode := run(args...)
	if gotCode != code || gotOut != stdout || gotErr != stderr {
		t.Errorf("zfleet %q\ncode %d, want %d\nstdout:\n%s\nwant:\n%s\nstderr:\n%s\nwant:\n%s",
			args, gotCode, code, gotOut, stdout, gotErr, stderr)
	}
}

// fakeFleet is a fleet that tests make up. It scales as it is told and settles when settles says so.
type fakeFleet struct {
	name, file string
	status     admin.Status
	settles    func(context.Context) error
	scaled     []admin.ScaleRequest
	upgrades   []string
	upgraded   func(context.Context) (admin.Upgrade, error)
	refusal    error
	downed     []admin.DownRequest
	restarted  []admin.RestartRequest
	reloaded   []admin.ReloadRequest
	plan       admin.ReloadReply
	began      string // the state of a restart that was asked for or undone
	rolled     func(context.Context) (admin.Roll, error)
}

func (f *fakeFleet) Status(context.Context) (admin.Status, error) { return f.status, nil }

func (f *fakeFleet) Scale(_ context.Context, req admin.ScaleRequest) (admin.ScaleReply, error) {
	f.scaled = append(f.scaled, req)
	svc := &f.status.Services[0]
	was := svc.Want
	svc.Want += req.Delta
	if req.Count != nil {
		svc.Want = *req.Count
	}
	reply := admin.ScaleReply{Service: svc.Name, Want: svc.Want, Was: was}
	switch {
	case req.Auto:
		reply.Auto = admin.AutoDecides
	case svc.Autoscale != nil:
		reply.Auto = admin.AutoHeld
	}
	return reply, f.refusal
}

func (f *fakeFleet) Settled(ctx context.Context, _ string) (admin.Status, error) {
	if err := f.settles(ctx); err != nil {
		return admin.Status{}, err
	}
	f.status.Services[0].Ready = f.status.Services[0].Want
	return f.status, nil
}

func (f *fakeFleet) Restart(_ context.Context, req admin.RestartRequest) (admin.RestartReply, error) {
	f.restarted = append(f.restarted, req)
	return admin.RestartReply{Rolls: []admin.Roll{{Service: "hello", Number: 1, State: f.began, Of: 3}}}, f.refusal
}

func (f *fakeFleet) Reload(_ context.Context, req admin.ReloadRequest) (admin.ReloadReply, error) {
	f.reloaded = append(f.reloaded, req)
	return f.plan, f.refusal
}

func (f *fakeFleet) Upgrade(_ context.Context, req admin.UpgradeRequest) (admin.UpgradeReply, error) {
	f.upgrades = append(f.upgrades, req.Service)
	return admin.UpgradeReply{Upgrades: []admin.Upgrade{
		{Service: "hello", Number: 1, State: admin.UpgradeUpgrading, Pid: 10, Version: "v1", Clients: 2},
	}}, f.refusal
}

func (f *fakeFleet) Upgraded(ctx context.Context, _ string) (admin.Upgrade, error) {
	return f.upgraded(ctx)
}

func (f *fakeFleet) Rolled(ctx context.Context, _ string, _ int) (admin.Roll, error) {
	return f.rolled(ctx)
}

func (f *fakeFleet) Down(_ context.Context, req admin.DownRequest) error {
	f.downed = append(f.downed, req)
	return nil
}

func (f *fakeFleet) Version() admin.Version {
	return admin.Version{Version: version(), Pid: os.Getpid(), Fleet: f.name, File: f.file}
}

func (f *fakeFleet) Events(context.Context, admin.EventQuery) (func(func(any) error) error, error) {
	return func(func(any) error) error { return nil }, nil
}

func hello() *fakeFleet {
	return &fakeFleet{
		name:    "hello",
		settles: func(context.Context) error { return nil },
		status: admin.Status{Fleet: "hello", Services: []admin.Service{{
			Name: "hello", Frontend: []string{"tcp://*:5559"}, Backend: []string{"tcp://*:5560"},
			Proxy: admin.Proxy{Pid: 10, State: "ready"}, Want: 3, Ready: 3, Workers: []admin.Worker{},
		}}},
	}
}

// serve serves a fleet where commands look for one of its name.
func serve(t *testing.T, f *fakeFleet) (socket string) {
	t.Helper()
	_, err := admin.MakeRunDir(f.name)
	must(t, err)
	socket = admin.SocketPath(f.name)
	ln, err := admin.Listen(socket)
	must(t, err)
	server := admin.NewServer(f, f.Version().Version)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, server.Close(ctx))
		must(t, <-done)
	})
	return socket
}

// writeFile writes a file into the working folder.
func writeFile(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}
