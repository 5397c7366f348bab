// Package launch is the processes behind supervisor.Launcher: go-plugin workers, plain commands and proxies. New binds a fleet's
// listeners; Launch starts one process life and tells what becomes of it; the stop ladder is in ladder.go, why a start failed in
// diagnose.go. Guard is the process that ends what a killed supervisor leaves behind. FindOrphans finds the proxies that it left, for New to
// have them taken over from.
//
// When to start, restart, kill or give up is decided elsewhere, by package fleet. Also how long a start may take.
package launch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/cgroup"
	"github.com/zfleet/zfleet/internal/endpoint"
	proxy "github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
	"github.com/zfleet/zfleet/workerkit/control"
)

// Options is what a Launcher needs.
type Options struct {
	Fleet  string     // its name, for what is logged of no service
	Spec   fleet.Spec // the services whose listeners are bound
	Self   string     // path of the zfleet binary: it is the proxy and the guard too
	RunDir string     // exists, is private to this fleet, and its path is short: unix sockets live there
	Log    zerolog.Logger

	StateDir string // private to this fleet: dead letters are kept there; "": nowhere

	// Adopt makes this process the parent of what workers leave behind when they end. Then all children of this process must be the
	// launcher's: the exit status of any other is lost.
	Adopt   bool
	Cgroups *cgroup.Tree      // every life gets a control group in it; nil: none does
	Orphans []*Orphan         // that FindOrphans found in RunDir. They are the launcher's from New on, unless that fails
	Sockets []endpoint.Passed // bound by a service manager: those endpoints are not bound here. Each must be one of the fleet's
	Quiet   bool              // what processes print is not repeated in Log
	// Lines is where the lines are kept that a process prints, a Write each, as JSON. Writing must not wait. nil: they are not kept.
	Lines func(fleet.Life) io.Writer
	// Judged is told when a proxy ejects a lane, or tries it again: the service, the worker, "" when that is a foreign one, and what the
	// proxy said. It must not wait. nil: nobody is.
	Judged func(service, worker string, e proxy.Event)
}

// Launcher starts the processes of one fleet. It implements supervisor.Launcher.
type Launcher struct {
	opts     Options
	bounds   bounds
	secret   string // what workers name themselves with at the proxy
	run      string // no other launcher's; in every worker's environment
	homes    homes  // of the services
	spawner  *spawner
	adopter  *adopter // nil: nothing is adopted
	keeper   *keeper
	lifeline *lifeline
	oom      *oomWatch

	ctx    context.Context // ends when the launcher closes: then all lives are killed
	end    context.CancelFunc
	lives  lives
	untold []fleet.Event // that nobody could be told yet; the caller of Launch's
	close  func() error
}

var _ supervisor.Launcher = (*Launcher)(nil)

// New binds every service's listeners and starts the guard. A port that is taken is an *endpoint.InUse.
func New(o Options) (*Launcher, error) {
	if o.Lines == nil {
		o.Lines = func(fleet.Life) io.Writer { return io.Discard }
	}
	if o.Judged == nil {
		o.Judged = func(string, string, proxy.Event) {}
	}
	l := &Launcher{opts: o, bounds: defaultBounds(), secret: rand.Text(), run: rand.Text()}
	l.oom = newOOMWatch(oomKills)
	l.ctx, l.end = context.WithCancel(context.Background())
	l.close = sync.OnceValue(l.shut)
	if err := l.open(); err != nil {
		l.forgetOrphans()
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Launcher) open() (err error) {
	if l.opts.Self, err = filepath.Abs(l.opts.Self); err != nil {
		return fmt.Errorf("cannot find the zfleet binary: %w", err)
	}
	if err := l.checkRunDir(l.opts.Spec.Services...); err != nil {
		return err
	}
	if err := l.sweepRunDir(); err != nil {
		return err
	}
	if l.lifeline, err = newLifeline(); err != nil {
		return fmt.Errorf("cannot make the pipe that tells workers of the supervisor's death: %w", err)
	}
	if err := l.openServices(); err != nil {
		return err
	}
	l.spawner = newSpawner()
	if l.opts.Adopt {
		if l.adopter, err = adopt(l.spawner); err != nil {
			return err
		}
	}
	l.keeper, err = newKeeper(l.opts.Self, l.guarded(), l.spawner, l.opts.Log.With().Str("fleet", l.opts.Fleet).Logger())
	if err == nil {
		l.takeOrphans()
	}
	return err
}

// guarded is what a guard has to know beside the processes.
func (l *Launcher) guarded() [][2]string {
	told := [][2]string{{"run", l.tag()}, {"patience", l.guardPatience().String()}}
	if path := l.opts.Cgroups.Path(); path != "" {
		told = append(told, [2]string{"tree", path})
	}
	return told
}

// guardPatience is when a proxy must have ended that nobody took over from: after its wait, its grace, and some more for a slow machine.
func (l *Launcher) guardPatience() time.Duration {
	return l.opts.Spec.OrphanGrace + graceOf(l.bounds.terminate) + l.bounds.closing
}

// tag is the variable by which the processes of this launcher's workers are known.
func (l *Launcher) tag() string { return control.EnvRun + "=" + l.run }

// openServices binds what was not passed. A passed socket that belongs to no service is refused: nobody would ever answer there.
func (l *Launcher) openServices() error {
	passed, wanted := endpoint.PassedSockets(slices.Clone(l.opts.Sockets)), []string(nil)
	for _, spec := range l.opts.Spec.Services {
		svc, err := l.openService(spec, &passed, l.orphanOf(spec.Name))
		if err != nil {
			return err
		}
		if err := l.homes.add(svc); err != nil {
			return errors.Join(err, svc.close())
		}
		wanted = slices.Concat(wanted, spec.Frontend, spec.Backend)
	}
	return passed.AllTaken(wanted)
}

// checkRunDir refuses a folder in which sockets of these services could not be connected to.
func (l *Launcher) checkRunDir(services ...fleet.Service) error {
	longest := len("/plugin-dir4294967295/plugin4294967295")
	for _, svc := range services {
		longest = max(longest, len(socketPath("", svc.Name)))
	}
	if limit := maxSocketPath - longest; len(l.opts.RunDir) > limit {
		return fmt.Errorf("cannot use %s as run directory: its path has %d bytes, sockets in it leave room for %d: choose a shorter one",
			l.opts.RunDir, len(l.opts.RunDir), limit)
	}
	return nil
}

// sweepRunDir removes what a killed supervisor's plugins left there.
func (l *Launcher) sweepRunDir() error {
	left, err := filepath.Glob(filepath.Join(l.opts.RunDir, "plugin-dir*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// Launch starts the process of one life. See supervisor.Launcher.
func (l *Launcher) Launch(name fleet.Life, svc fleet.Service, tell func(fleet.Event)) supervisor.Process {
	for _, ev := range l.untold {
		tell(ev)
	}
	l.untold = nil
	life := newLife(l, name, svc, tell)
	if !l.lives.begin(life.run) {
		go tell(fleet.Exited{Life: name, Exit: fleet.Exit{Code: -1, Reason: "not started: the supervisor is ending"}})
	}
	return life
}

// Quiesce closes a service to new requests. See supervisor.Launcher.
func (l *Launcher) Quiesce(svc fleet.Service, tell func(fleet.Event)) {
	quiesced := func() {
		if s := l.homes.of(svc.Name); s != nil {
			ctx, cancel := context.WithTimeout(l.ctx, svc.Workers.Grace)
			defer cancel()
			err := s.persist(ctx, l.bounds.poll, s.control.Quiesce)
			if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) { // else the proxy has ended, which is told
				l.opts.Log.Warn().Str("service", svc.Name).Msgf("grace of %v is over, and not all requests are answered", svc.Workers.Grace)
			}
		}
		tell(fleet.Quiesced{Service: svc.Name})
	}
	if !l.lives.begin(quiesced) {
		go tell(fleet.Quiesced{Service: svc.Name})
	}
}

// Inflight asks the service's proxy how many requests each worker holds. Without an answer it knows nothing.
func (l *Launcher) Inflight(svc fleet.Service) map[fleet.Life]int {
	ctx, cancel := context.WithTimeout(l.ctx, l.bounds.ask)
	defer cancel()
	snapshot, err := l.Snapshot(ctx, svc.Name)
	if err != nil {
		return nil
	}
	holds := make(map[fleet.Life]int)
	for _, lane := range snapshot.Lanes {
		if name, err := fleet.ParseLife(lane.Worker); err == nil {
			holds[name] += lane.Inflight
		}
	}
	return holds
}

// Snapshot asks the service's living proxy.
func (l *Launcher) Snapshot(ctx context.Context, name string) (proxy.Snapshot, error) {
	svc := l.homes.of(name)
	if svc == nil {
		return proxy.Snapshot{}, fmt.Errorf("cannot ask the proxy of %s: there is no such service", name)
	}
	snapshot, err := svc.control.Snapshot(ctx)
	if err != nil {
		return proxy.Snapshot{}, fmt.Errorf("cannot ask the proxy of %s: %w", name, err)
	}
	return snapshot, nil
}

// Close kills what still lives, waits for it, and lets go of the listeners. An error says what could not be ended.
func (l *Launcher) Close() error { return l.close() }

func (l *Launcher) shut() error {
	l.end()
	var errs []error
	for _, svc := range l.homes.list() {
		if o := svc.orphan.Swap(nil); o != nil { // nobody has taken over from it
			l.endOrphan(o)
		}
	}
	if !l.lives.end(l.bounds.closing) {
		errs = append(errs, fmt.Errorf("cannot end all processes: some still live %v after SIGKILL", l.bounds.closing))
	}
	errs = append(errs, l.homes.close())
	if l.keeper != nil {
		errs = append(errs, l.keeper.close())
	}
	if l.adopter != nil {
		l.adopter.close()
	}
	if l.spawner != nil {
		l.spawner.close()
	}
	if l.lifeline != nil {
		errs = append(errs, l.lifeline.close())
	}
	return errors.Join(errs...)
}
