// Package fleet decides what the supervisor does next. It is a pure state machine: Step takes the time and one event and returns the
// actions to carry out; Deadline says when Step next wants TimePassed. No clock, no goroutine, no process, standard library only.
//
// What a process needs to run, how its readiness is found out and how the rungs of the stop ladder are timed is left to the caller, as are
// the bounds of scaling by hand (Workers.Min and Max).
package fleet

import "time"

// Fleet is the state of one fleet. It is not safe for use by several goroutines: one owns it.
type Fleet struct {
	services []*service // in the file's order; those that are being removed are behind the others
	// former has the lives of services that are gone: their numbers are not used again when they come back.
	former      map[string]map[int]int
	maxStarting int
	rand        func() float64
	now         time.Time // of the Step under way, or of the last one
	ticket      int       // the last one given: who waits, and who had a turn, is told in order by them
	begun       bool
	stopping    bool
	finished    bool
	actions     []Action // of the Step under way
}

// service is one service of the fleet as it runs.
type service struct {
	Service
	want  int
	held  bool // by an operator: autoscaling does not change want
	proxy *slot
	slots []*slot // by number; a slot that is not wanted stays
	// retired has what ran beside a slot's worker and was told to go: one whose successor is ready, or a successor that is not needed.
	retired []*slot
	// handed has proxies that have handed over to another one and not ended.
	handed  []*slot
	upgrade upgrade
	lives   map[int]int // by slot number: of the last life that was given out. They only ever grow
	roll    roll
	// degraded is why it is not as it should be, and nothing is done about that; "": it is. nobody: it is because no worker is ready.
	degraded string
	nobody   bool
	leave    phase
	why      string // it leaves
	removed  bool   // it is not declared any more
	turn     int    // ticket of its last start of a worker
}

// New makes a fleet of which nothing runs yet: its first Step, whatever the event, wants every proxy and every worker. Rand returns numbers
// in [0, 1) for jitter.
func New(spec Spec, rand func() float64) *Fleet {
	f := &Fleet{maxStarting: max(1, spec.MaxStarting), rand: rand, former: make(map[string]map[int]int)}
	for _, s := range spec.Services {
		f.services = append(f.services, newService(s, make(map[int]int)))
	}
	return f
}

func newService(declared Service, lives map[int]int) *service {
	svc := &service{Service: declared, want: declared.Workers.Count, lives: lives}
	svc.proxy = &slot{svc: svc, number: ProxySlot}
	return svc
}

// Step takes in what happened at now and returns what to do, in this order. The slice is the caller's. Whatever the event, what was due
// by now is done too.
func (f *Fleet) Step(now time.Time, ev Event) []Action {
	f.now, f.actions = now, nil
	f.begin()
	f.happened(ev)
	f.expire()
	f.reconcile()
	return f.actions
}

// Services is what is declared now, in the file's order.
func (f *Fleet) Services() (all []Service) {
	for _, svc := range f.services {
		if !svc.removed {
			all = append(all, svc.Service)
		}
	}
	return all
}

// Declared is what a service was declared as last. False: there is none of that name, not even one that is being removed.
func (f *Fleet) Declared(name string) (Service, bool) {
	if svc := f.service(name); svc != nil {
		return svc.Service, true
	}
	return Service{}, false
}

// Deadline is when Step wants TimePassed at the latest; false: time alone changes nothing. It is always after the last Step's now.
func (f *Fleet) Deadline() (at time.Time, ok bool) {
	for _, s := range f.all() {
		if due, has := s.deadline(); has && (!ok || due.Before(at)) {
			at, ok = due, true
		}
	}
	return at, ok
}

func (f *Fleet) begin() {
	if f.begun {
		return
	}
	f.begun = true
	for _, svc := range f.services {
		f.open(svc, "the fleet starts")
	}
}

// open wants a service's proxy and workers.
func (f *Fleet) open(svc *service, cause string) {
	f.move(svc.proxy, StatePending, cause)
	f.grow(svc, cause)
}

// happened hands an event to its method. News of a life that is not its slot's current one is ignored here.
func (f *Fleet) happened(ev Event) {
	switch ev := ev.(type) {
	case Scaled:
		f.scaled(ev)
	case AutoScaled:
		f.autoScaled(ev)
	case AutoAsked:
		f.autoAsked(ev.Service)
	case Observed:
		f.observed(ev)
	case Measured:
		f.measured(ev)
	case Reloaded:
		f.reloaded(ev)
	case Added:
		f.added(ev)
	case Removed:
		f.removed(ev.Service)
	case UpgradeAsked:
		f.upgradeAsked(ev)
	case RestartAsked:
		f.restartAsked(ev)
	case ContinueAsked:
		f.continueAsked(ev.Service)
	case UndoAsked:
		f.undoAsked(ev.Service)
	case ShutdownAsked:
		f.shutdownAsked(ev.Now)
	case Quiesced:
		f.quiesced(ev.Service)
	case lifeEvent:
		if s := f.find(ev.life()); s != nil {
			f.lifeNews(s, ev)
		}
	default: // Began, TimePassed: the time is the news. Adopted: of what the core knows from others
	}
}

func (f *Fleet) lifeNews(s *slot, ev lifeEvent) {
	switch ev := ev.(type) {
	case Launched:
		f.launched(s, ev.Pid)
	case BecameReady:
		f.becameReady(s)
	case BecameUnready:
		f.becameUnready(s, ev)
	case Hung:
		f.hung(s, ev)
	case DrainEnded:
		f.drainEnded(s)
	case Exited:
		f.exited(s, ev.Exit)
	}
}

func (f *Fleet) nextTicket() int {
	f.ticket++
	return f.ticket
}

func (f *Fleet) act(a Action) { f.actions = append(f.actions, a) }

// serving is the service of that name; nil: there is none, or it is told to end.
func (f *Fleet) serving(name string) *service {
	if svc := f.service(name); svc != nil && svc.leave == serving {
		return svc
	}
	return nil
}

func (f *Fleet) service(name string) *service {
	for _, svc := range f.services {
		if svc.Name == name {
			return svc
		}
	}
	return nil
}
