// Package supervisor is the control plane's shell: one loop owns a fleet's pure core (package fleet), does what it says and feeds it
// what happened. How processes are really started and stopped is behind Launcher (package launch).
//
// New makes a Supervisor, Run supervises until nothing is left. Meanwhile Scale, Restart, Upgrade, Reload, View, Settled, Shutdown and the
// like may be called from any goroutine: each is a message to the loop, answered by it. Signals, sockets and files are left to the caller.
package supervisor

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Launcher starts processes. Tell may be called from any goroutine and never blocks for long.
type Launcher interface {
	// OpenService gets what a service needs that New of the Supervisor was not told of: its ports. What goes wrong changes nothing. It may be called
	// from any goroutine, may be slow, and comes before the service's first Launch.
	OpenService(svc fleet.Service) error
	// CloseService lets go of that again. No process of the service lives. It returns soon, and when it has, the ports are free.
	CloseService(name string)
	// OpenPorts gets what a service that runs is to listen on and does not yet, for the proxy that is to take over with this declaration. It is
	// as OpenService otherwise. ClosePorts lets go of what svc does not name, when that proxy serves, or never will.
	OpenPorts(svc fleet.Service) error
	ClosePorts(svc fleet.Service)
	// Launch starts the process of one life and returns at once. What becomes of it is told as events; the last is exactly one Exited,
	// also when nothing could be started.
	Launch(life fleet.Life, svc fleet.Service, tell func(fleet.Event)) Process
	// Quiesce closes a service to new requests and tells Quiesced when its proxy holds none, or when grace is over. It returns at once.
	Quiesce(svc fleet.Service, tell func(fleet.Event))
	// Inflight says how many requests each worker of the service holds. It may be slow (a proxy is asked) and may know nothing.
	Inflight(svc fleet.Service) map[fleet.Life]int
	// Measure finds out what the workers of the service have done and how they are: what its limits need, and whether their programs have
	// changed. It may be slow, ends soon when ctx does, and leaves out whom it cannot tell of. It is called for one service once at a time.
	Measure(ctx context.Context, svc fleet.Service) map[fleet.Life]fleet.Measure
}

// Process is one life. Its methods return at once and may be called at any time, in any order, more than once.
type Process interface {
	Stop()               // begins the stop ladder
	Abort(reason string) // asks for a stack dump, and soon after sends SIGKILL to the process group; without effect once it is stopping
	Kill()               // SIGKILL to the process group now
}

// Options are what a Supervisor can do without.
type Options struct {
	// Stepped is told every event that the core is given and what it decides to do about it, before that is done. It is called by the loop:
	// it must return soon and must not wait for the Supervisor.
	Stepped func(now time.Time, ev fleet.Event, actions []fleet.Action)
	Rand    func() float64 // numbers in [0, 1) for jitter; nil: a source of its own
}

// ErrEnded is what is returned to whoever still waits, or asks, when the fleet has ended.
var ErrEnded = errors.New("the fleet has ended")

// Supervisor runs one fleet.
type Supervisor struct {
	name     string
	services atomic.Pointer[[]fleet.Service] // as declared now; the loop writes it
	launcher Launcher
	stepped  func(time.Time, fleet.Event, []fleet.Action)
	mail     *mailbox
	ran      atomic.Bool
	done     chan struct{} // closed when Run returns
	reloads  chan struct{} // holds one while a reload is under way: the next has to wait

	// The rest is the loop's alone.
	fleet     *fleet.Fleet
	processes map[fleet.Life]Process
	scales    map[string][]*scaleRequest // by service, in the order in which they came
	waiters   []waiter
	measurers *measurers
	finished  bool
}

// New makes a supervisor; Run starts the fleet.
func New(spec fleet.Spec, l Launcher, opts Options) *Supervisor {
	if opts.Stepped == nil {
		opts.Stepped = func(time.Time, fleet.Event, []fleet.Action) {}
	}
	if opts.Rand == nil {
		opts.Rand = rand.Float64
	}
	s := &Supervisor{
		name:      spec.Name,
		launcher:  l,
		stepped:   opts.Stepped,
		mail:      newMailbox(),
		done:      make(chan struct{}),
		reloads:   make(chan struct{}, 1),
		measurers: newMeasurers(),
		fleet:     fleet.New(spec, opts.Rand),
		processes: map[fleet.Life]Process{},
		scales:    map[string][]*scaleRequest{},
	}
	s.services.Store(&spec.Services)
	return s
}

// Run starts the fleet and supervises it. Cancelling ctx asks for a shutdown, as Shutdown(false) does, unless one is under way already. Run
// returns when every process has ended. It may be called once.
func (s *Supervisor) Run(ctx context.Context) error {
	if s.ran.Swap(true) {
		return errors.New("cannot run the fleet: it was run already")
	}
	defer close(s.done)
	defer s.mail.close()
	defer s.measurers.close()
	for _, svc := range *s.services.Load() {
		s.measurers.begin(svc.Name, s.measure)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	asked := ctx.Done()
	s.step(fleet.Began{})
	for !s.finished {
		s.arm(timer)
		select {
		case <-asked:
			asked = nil // once
			s.interrupted()
		case <-timer.C:
			s.step(fleet.TimePassed{})
		case <-s.mail.wake:
			s.readMail()
		}
	}
	return nil
}

// arm sets the loop's only timer to the core's deadline.
func (s *Supervisor) arm(timer *time.Timer) {
	if at, ok := s.fleet.Deadline(); ok {
		timer.Reset(time.Until(at))
	} else {
		timer.Stop()
	}
}

func (s *Supervisor) interrupted() {
	if !s.fleet.View().Stopping {
		s.step(fleet.ShutdownAsked{})
	}
}

func (s *Supervisor) readMail() {
	for _, m := range s.mail.take() {
		switch m := m.(type) {
		case fleet.Event:
			s.step(m)
		case *viewRequest:
			m.reply <- s.fleet.View()
		case *scaleRequest:
			s.scale(m)
		case *autoRequest:
			s.auto(m)
		case *observation:
			s.seen(m)
		case *restartRequest:
			s.restart(m)
		case *reloadRequest:
			s.reload(m)
		case *upgradeRequest:
			s.upgrade(m)
		case waiter:
			s.wait(m)
		}
	}
}

// step tells the core, does what it says and answers those whom the new state concerns.
func (s *Supervisor) step(ev fleet.Event) {
	if e, ok := ev.(fleet.Exited); ok {
		delete(s.processes, e.Life)
	}
	now := time.Now()
	actions := s.fleet.Step(now, ev)
	if changesServices(ev, actions) { // before anybody is started
		services := s.fleet.Services()
		s.services.Store(&services)
	}
	s.stepped(now, ev, actions)
	for _, a := range actions {
		s.do(a)
	}
	s.answerWaiters()
}

// changesServices says whether something may be declared otherwise now.
func changesServices(ev fleet.Event, actions []fleet.Action) bool {
	switch ev.(type) {
	case fleet.Reloaded, fleet.UndoAsked, fleet.Added, fleet.Removed:
		return true
	}
	return slices.ContainsFunc(actions, func(a fleet.Action) bool { // one that failed takes back what it brought
		note, ok := a.(fleet.UpgradeNote)
		return ok && note.To == fleet.UpgradeFailed
	})
}

func (s *Supervisor) do(a fleet.Action) {
	switch a := a.(type) {
	case fleet.Start:
		s.processes[a.Life] = s.launcher.Launch(a.Life, s.spec(a.Life.Service), s.tell)
	case fleet.Stop:
		s.processes[a.Life].Stop()
	case fleet.Kill:
		s.processes[a.Life].Kill()
	case fleet.Abort:
		s.processes[a.Life].Abort(a.Reason)
	case fleet.Quiesce:
		s.launcher.Quiesce(s.spec(a.Service), s.tell)
	case fleet.Gone:
		s.launcher.CloseService(a.Service)
	case fleet.UpgradeNote:
		if a.Declared && a.To != fleet.UpgradeUpgrading {
			s.launcher.ClosePorts(s.spec(a.Service))
		}
	case fleet.Finish:
		s.finished = true
	}
}

// tell is what a launcher calls with its news.
func (s *Supervisor) tell(ev fleet.Event) { s.mail.put(ev) }
