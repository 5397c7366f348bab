// Package daemon is the wiring of `zfleet up`: it opens what a running fleet needs, runs it, and takes it down again. [New] opens, Run
// runs until the fleet has ended. Flags, signals and words for people are left to package cli, decisions to package supervisor, processes
// to package launch.
//
//	 zfleet ps, scale, down            signals (package cli)
//	         │                            │ Scale, Down
//	         ▼                            ▼
//	 admin socket ─────────────────────► daemon ──── notes ────► log
//	 (package admin)                      │ │
//	                     View, Scale, …   │ │  Snapshot: what only a proxy knows
//	                                      ▼ ▼
//	                              supervisor → launcher ──► proxy and worker processes
//
//	run folder: lock · admin.sock · what the launcher puts there
//	state folder: dead letters
package daemon

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/cgroup"
	"github.com/zfleet/zfleet/internal/config"
	"github.com/zfleet/zfleet/internal/systemd"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
	"github.com/zfleet/zfleet/supervisor/launch"
)

// Options is what a daemon is made of. Spec, Self and Log are required.
type Options struct {
	Spec    fleet.Spec
	File    string      // path of the fleet file, absolute: for those who ask who runs, and to read it again
	Read    config.File // what was read from it: what else has changed when it is read again
	Socket  string      // of the admin API, absolute; "": admin.SocketPath of the fleet's name
	Self    string      // path of the zfleet binary: it is the proxy too
	Version string
	Log     zerolog.Logger
	Manager systemd.Manager // that started this process, if one did

	launcher func(launch.Options) (launcher, error) // tests put their own here
	load     func(path string) (config.File, error) // and here
}

// launcher is what the daemon needs of package launch.
type launcher interface {
	supervisor.Launcher
	Snapshot(ctx context.Context, service string) (control.Snapshot, error)
	Close() error
}

// Daemon is one fleet that runs. Its methods may be called from any goroutine, before, during and after Run.
type Daemon struct {
	spec       fleet.Spec
	file       config.File
	load       func(path string) (config.File, error)
	log        zerolog.Logger
	me         admin.Version
	listener   net.Listener
	server     *admin.Server
	launcher   launcher
	supervisor *supervisor.Supervisor
	cgroups    *cgroup.Tree           // nil: none were delegated
	noLimits   string                 // why some limits cannot be applied
	unlimited  atomic.Pointer[string] // which of the fleet file's those are, with why; "": none
	heard      bool                   // by a service manager
	herald     *herald
	drain      sync.Once
	onStop     teardown
}

// New opens all that the fleet needs: its name, its admin socket, its ports. No process is started before Run. What it opened is closed
// again when it fails. Its errors are [admin.AlreadyRunning], those of package endpoint for a port, or name what could not be opened.
func New(opts Options) (*Daemon, error) {
	d := &Daemon{spec: opts.Spec, file: opts.Read, load: opts.load, log: opts.Log}
	if d.load == nil {
		d.load = config.Load
	}
	if opts.Socket == "" {
		opts.Socket = admin.SocketPath(opts.Spec.Name)
	}
	d.me = admin.Version{
		Version: opts.Version, Pid: os.Getpid(), Fleet: opts.Spec.Name, File: opts.File, Socket: opts.Socket,
		State: cmp.Or(opts.Read.State, admin.StateDir(opts.Spec.Name)),
	}
	if err := d.open(opts); err != nil {
		return nil, errors.Join(err, d.onStop.run())
	}
	return d, nil
}

// open is one straight line on purpose: each step needs those before it.
func (d *Daemon) open(opts Options) error {
	runDir, err := admin.MakeRunDir(d.spec.Name)
	if err != nil {
		return err
	}
	release, err := admin.Claim(runDir, d.me)
	if err != nil {
		return err
	}
	d.onStop.add("run folder", func(context.Context) error { return release() })

	if d.listener, err = admin.Listen(d.me.Socket); err != nil {
		return err
	}
	d.server = admin.NewServer(d, d.me.Version)
	d.onStop.add("admin socket", d.closeAdmin)

	d.takeCgroups()
	newLauncher := opts.launcher
	if newLauncher == nil {
		newLauncher = realLauncher
	}
	d.launcher, err = newLauncher(launch.Options{
		Fleet: d.spec.Name, Spec: d.spec, Self: opts.Self, RunDir: runDir, StateDir: d.stateDir(), Log: d.log, Sockets: opts.Manager.Sockets,
		Adopt: true, Cgroups: d.cgroups,
	})
	if err != nil {
		return err
	}
	d.onStop.add("launcher", func(context.Context) error { return d.launcher.Close() })

	notes := &notes{log: d.log}
	d.heard = opts.Manager.Notifier.IsHeard()
	d.herald = &herald{
		send: opts.Manager.Notifier.Send, view: d.viewed, watchdog: opts.Manager.Watchdog, log: d.log, changed: make(chan struct{}, 1),
	}
	note := func(n fleet.Note) { notes.note(n); d.herald.note() }
	d.supervisor = supervisor.New(d.spec, noted{d.launcher, notes}, supervisor.Options{Note: note, Roll: notes.roll})
	return nil
}

func (d *Daemon) viewed(ctx context.Context) (fleet.View, error) { return d.supervisor.View(ctx) }

// stateDir makes the state folder, or says why it cannot be: a fleet serves its clients without one. Who needs it will say so again.
func (d *Daemon) stateDir() string {
	if err := admin.MakeStateDir(d.me.State); err != nil {
		d.log.Warn().Err(err).Msg("what should outlive the fleet is not kept, dead letters among it")
	}
	return d.me.State
}

func realLauncher(opts launch.Options) (launcher, error) { return launch.New(opts) }

// The server closes the listener that it serves; one that it never got to serve is closed here.
func (d *Daemon) closeAdmin(ctx context.Context) error {
	err := d.server.Close(ctx)
	if closeErr := d.listener.Close(); !errors.Is(closeErr, net.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}

// Run runs the fleet until it has ended, and closes what New opened. When ctx ends it is Down that ends the fleet: drained.
func (d *Daemon) Run(ctx context.Context) error {
	running, ended := context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, func() { _ = d.Down(running, admin.DownRequest{}) })()
	closed, close := context.WithCancel(context.Background())
	defer close()
	var wg sync.WaitGroup
	wg.Go(d.serveAdmin)
	wg.Go(func() { d.announce(running) })
	if d.heard {
		wg.Go(func() { d.herald.run(closed) })
	}
	err := d.supervisor.Run(context.Background())
	ended()
	d.log.Info().Msgf("fleet %s has ended", d.spec.Name)
	err = errors.Join(err, d.onStop.run())
	close()
	wg.Wait()
	return err
}

// serveAdmin: a fleet that cannot be asked any more goes on serving its clients.
func (d *Daemon) serveAdmin() {
	d.log.Info().Str("socket", d.me.Socket).Int("pid", d.me.Pid).Msgf("fleet %s starts", d.spec.Name)
	if err := d.server.Serve(d.listener); err != nil {
		d.log.Error().Err(err).Msg("the admin socket is closed")
	}
}
