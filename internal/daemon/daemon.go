// Package daemon is the wiring of `zfleet up`: it opens what a running fleet needs, runs it, and takes it down again. [New] opens, Run
// runs until the fleet has ended. Flags, signals and words for people are left to package cli, decisions to package supervisor, processes
// to package launch.
//
//	 zfleet ps, scale, down            signals (package cli)
//	         │                            │ Scale, Down
//	         ▼                            ▼
//	 admin socket ─────────────────────► daemon ─── recorder ──► journal, log
//	 (package admin)                      │ │
//	                     View, Scale, …   │ │  Snapshot: what only a proxy knows
//	                                      ▼ ▼
//	                              supervisor → launcher ──► proxy and worker processes
//
//	run folder: lock · admin.sock · what the launcher puts there
//	state folder: events.jsonl · logs/SERVICE/SLOT.log · dead letters
package daemon

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/cgroup"
	"github.com/zfleet/zfleet/internal/config"
	"github.com/zfleet/zfleet/internal/systemd"
	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/internal/workerlog"
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
	recorder   *recorder
	drain      sync.Once

	attendants attendants
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

	journal, lines := d.memory(opts.Read.Log)
	d.onStop.add("events", journal.Close)
	d.onStop.add("logs of the workers", lines.Close)

	if d.listener, err = admin.Listen(d.me.Socket); err != nil {
		return err
	}
	d.server = admin.NewServer(d, d.me.Version)
	d.onStop.add("admin socket", d.closeAdmin)

	orphans := launch.FindOrphans(runDir, d.log)
	d.takeCgroups(orphans)
	newLauncher := opts.launcher
	if newLauncher == nil {
		newLauncher = realLauncher
	}
	d.launcher, err = newLauncher(launch.Options{
		Fleet: d.spec.Name, Spec: d.spec, Self: opts.Self, RunDir: runDir, StateDir: d.me.State, Sockets: opts.Manager.Sockets, Orphans: orphans,
		Adopt: true, Cgroups: d.cgroups, Log: d.log, Quiet: !opts.Read.Log.Workers,
		Lines:  func(name fleet.Life) io.Writer { return lines.Writer(name.Service, name.Place()) },
		Judged: func(service, worker string, e control.Event) { d.recorder.judgedLane(service, worker, e) },
	})
	if err != nil {
		return err
	}
	d.onStop.add("launcher", func(context.Context) error { return d.launcher.Close() })

	d.recorder = newRecorder(d.log, journal, d.spec)
	d.heard = opts.Manager.Notifier.IsHeard()
	d.herald = &herald{
		send: opts.Manager.Notifier.Send, view: d.viewed, watchdog: opts.Manager.Watchdog, log: d.log, changed: make(chan struct{}, 1),
	}
	d.supervisor = supervisor.New(d.spec, d.launcher, supervisor.Options{Stepped: d.stepped})
	return nil
}

func (d *Daemon) viewed(ctx context.Context) (fleet.View, error) { return d.supervisor.View(ctx) }

// stepped is called by the supervisor's loop.
func (d *Daemon) stepped(now time.Time, ev fleet.Event, actions []fleet.Action) {
	d.recorder.stepped(now, ev, actions)
	if len(actions) > 0 {
		d.herald.note()
	}
	switch ev := ev.(type) {
	case fleet.Added:
		d.attendants.add(d, ev.Service.Name)
	case fleet.Removed:
		d.attendants.drop(ev.Service)
	}
}

// memory opens what is to be known of the fleet later. A fleet serves its clients without it; who needs the folder will say so again.
func (d *Daemon) memory(log config.Log) (*timeline.Journal, *workerlog.Book) {
	complain := func(err error) {
		d.log.Error().Err(err).Msg("what should outlive the fleet is not kept: events, what workers print, dead letters")
	}
	if err := admin.MakeStateDir(d.me.State); err != nil {
		complain(err)
		return timeline.Discard(d.spec.Name), workerlog.Open(d.me.State, workerlog.Limits{}, complain)
	}
	limits := workerlog.Limits{Keep: log.Keep, Files: log.Files}
	return timeline.Open(d.me.State, d.spec.Name, complain), workerlog.Open(d.me.State, limits, complain)
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
	d.recorder.start(d.me)
	running, ended := context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, func() { _ = d.Down(running, admin.DownRequest{}) })()
	closed, close := context.WithCancel(context.Background())
	defer close()
	var wg sync.WaitGroup
	wg.Go(d.serveAdmin)
	d.attendants.begin(running, d)
	if keep := d.file.Log.KeepUnused; keep > 0 {
		wg.Go(func() { d.sweep(running, keep) })
	}
	if d.heard {
		wg.Go(func() { d.herald.run(closed) })
	}
	err := d.supervisor.Run(context.Background())
	ended()
	d.recorder.end()
	err = errors.Join(err, d.onStop.run())
	close()
	wg.Wait()
	d.attendants.wait()
	return err
}

// serveAdmin: a fleet that cannot be asked any more goes on serving its clients.
func (d *Daemon) serveAdmin() {
	if err := d.server.Serve(d.listener); err != nil {
		d.log.Error().Err(err).Msg("the admin socket is closed")
	}
}
