package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/launch"
)

const patience = 20 * time.Second

// rig is a daemon whose processes are made up; its socket is real.
type rig struct {
	*Daemon
	launcher *fakeLauncher
	client   *admin.Client
	log      *lines
	cancel   context.CancelFunc
	ended    chan error
}

func options(t *testing.T, l launcher, log *lines) Options {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	return Options{
		Spec: helloSpec(), File: "/srv/hello/fleet.toml", Version: "v1", Log: zerolog.New(log),
		launcher: func(launch.Options) (launcher, error) { return l, nil },
	}
}

func start(t *testing.T) *rig {
	t.Helper()
	l, log := newFakeLauncher(), &lines{}
	d, err := New(options(t, l, log))
	must(t, err)
	return run(t, d, l, log)
}

func run(t *testing.T, d *Daemon, l *fakeLauncher, log *lines) *rig {
	t.Helper()
	r := &rig{Daemon: d, launcher: l, client: admin.Find("hello"), log: log, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		must(t, d.Down(t.Context(), admin.DownRequest{Now: true}))
		r.end(t)
	})
	return r
}

// end waits for Run to return.
func (r *rig) end(t *testing.T) {
	t.Helper()
	select {
	case err := <-r.ended:
		must(t, err)
		r.ended <- nil
	case <-time.After(patience):
		t.Fatal("Run does not return")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFleetComesUpScalesAndEnds(t *testing.T) {
	r := start(t)
	status, err := r.client.Settled(t.Context(), "")
	must(t, err)
	if svc := status.Services[0]; svc.Ready != 2 || svc.Clients != 7 || svc.Workers[1].Pid != 101 {
		t.Errorf("up: %+v", svc)
	}
	for _, c := range []struct {
		req  admin.ScaleRequest
		want admin.ScaleReply
	}{
		{admin.ScaleRequest{Service: "hello", Delta: 3}, admin.ScaleReply{Service: "hello", Want: 5, Was: 2}},
		{admin.ScaleRequest{Delta: -4}, admin.ScaleReply{Service: "hello", Want: 1, Was: 5}},
		{admin.ScaleRequest{Count: new(int)}, admin.ScaleReply{Service: "hello", Want: 0, Was: 1}},
	} {
		reply, err := r.client.Scale(t.Context(), c.req)
		must(t, err)
		if reply != c.want {
			t.Errorf("got %+v, want %+v", reply, c.want)
		}
		status, err := r.client.Settled(t.Context(), "hello")
		must(t, err)
		if got := status.Services[0].Ready; got != c.want.Want {
			t.Errorf("settled with %d ready, want %d", got, c.want.Want)
		}
	}
	must(t, r.client.Down(t.Context(), admin.DownRequest{}))
	r.end(t)
	if _, err := r.client.Status(t.Context()); !errors.As(err, new(*admin.NoFleet)) {
		t.Errorf("after the end: %v", err)
	}
	if !r.launcher.isClosed() || r.launcher.kills() != 0 {
		t.Errorf("launcher closed: %v, processes killed: %d", r.launcher.isClosed(), r.launcher.kills())
	}
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	r := start(t)
	nine := 9
	for _, c := range []struct {
		call func() error
		code string
		says string
	}{
		{func() error { _, err := r.client.Scale(t.Context(), admin.ScaleRequest{Count: &nine}); return err }, admin.CodeRefused, "max is 8"},
		{func() error { _, err := r.client.Scale(t.Context(), admin.ScaleRequest{Delta: -3}); return err }, admin.CodeRefused, "too few"},
		{
			func() error {
				_, err := r.client.Scale(t.Context(), admin.ScaleRequest{Service: "helo", Delta: 1})
				return err
			},
			admin.CodeUnknownService, `fleet hello has no service "helo"; it has hello`,
		},
		{func() error { _, err := r.client.Settled(t.Context(), "helo"); return err }, admin.CodeUnknownService, "it has hello"},
	} {
		err := c.call()
		var refused *admin.Error
		if !errors.As(err, &refused) || refused.Code != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got %v, want %s: %s", err, c.code, c.says)
		}
	}
}

func TestDownTwiceIsNotNow(t *testing.T) {
	r := start(t)
	r.launcher.quiesce = make(chan struct{}) // before anything can quiesce
	_, err := r.client.Settled(t.Context(), "")
	must(t, err)
	r.cancel()
	for range 3 {
		must(t, r.client.Down(t.Context(), admin.DownRequest{}))
	}
	status, err := r.client.Status(t.Context())
	must(t, err)
	if !status.Stopping || r.launcher.kills() != 0 {
		t.Errorf("stopping: %v, killed: %d", status.Stopping, r.launcher.kills())
	}
	if _, err := r.client.Settled(t.Context(), ""); !errors.As(err, new(*admin.Error)) {
		t.Errorf("an ending fleet settles: %v", err)
	}
	close(r.launcher.quiesce)
	r.end(t)
}

func TestDownNowKills(t *testing.T) {
	r := start(t)
	r.launcher.quiesce = make(chan struct{})
	defer close(r.launcher.quiesce)
	_, err := r.client.Settled(t.Context(), "")
	must(t, err)
	must(t, r.client.Down(t.Context(), admin.DownRequest{}))
	must(t, r.client.Down(t.Context(), admin.DownRequest{Now: true}))
	r.end(t)
	if r.launcher.kills() == 0 {
		t.Error("nothing was killed")
	}
}

func TestAFleetRunsOnce(t *testing.T) {
	r := start(t)
	other := helloSpec()
	_, err := New(Options{Spec: other, File: "/elsewhere/fleet.toml"})
	var running *admin.AlreadyRunning
	if !errors.As(err, &running) || running.Pid != os.Getpid() || running.File != "/srv/hello/fleet.toml" {
		t.Fatalf("got %v", err)
	}
	who, err := r.client.Version(t.Context()) // the second one has not taken anything down
	must(t, err)
	if who != r.me {
		t.Errorf("who: %+v", who)
	}
}

func TestWhatWasOpenedIsClosedWhenItCannotStart(t *testing.T) {
	failure := errors.New("cannot listen on tcp://*:5559: the port is taken")
	opts := options(t, nil, &lines{})
	opts.launcher = func(launch.Options) (launcher, error) { return nil, failure }
	if _, err := New(opts); !errors.Is(err, failure) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(admin.SocketPath("hello")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is there still: %v", err)
	}
	release, err := admin.Claim(admin.RunDir("hello"), admin.Version{})
	must(t, err)
	must(t, release())
}

func TestItIsSaidWhereToConnect(t *testing.T) {
	r := start(t)
	line := `"message":"hello is up: clients connect to tcp://127.0.0.1:5559, workers to tcp://127.0.0.1:5560"`
	await.Until(t, "the line", func() bool { return strings.Contains(r.log.String(), line) })
}

// A proxy that hangs costs a status one second, whatever else it does.
func TestStatusDoesNotWaitForAProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLauncher()
		l.snapshot = func(ctx context.Context) (control.Snapshot, error) {
			<-ctx.Done()
			return control.Snapshot{}, ctx.Err()
		}
		d := &Daemon{spec: helloSpec(), launcher: l, supervisor: supervisor.New(helloSpec(), l, supervisor.Options{})}
		ended := make(chan error, 1)
		go func() { ended <- d.supervisor.Run(t.Context()) }()
		synctest.Wait()
		begin := time.Now()
		status, err := d.Status(t.Context())
		must(t, err)
		if took := time.Since(begin); took != snapshotTime {
			t.Errorf("it took %v", took)
		}
		if got := status.Services[0].Proxy.State; got != admin.Unresponsive {
			t.Errorf("the proxy is %s", got)
		}
		d.supervisor.Shutdown(true, "test")
		must(t, <-ended)
		if _, err := d.Status(t.Context()); !errors.As(err, new(*admin.Error)) {
			t.Errorf("after the end: %v", err)
		}
	})
}
