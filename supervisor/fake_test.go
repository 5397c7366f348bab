package supervisor

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// fakeLauncher starts nothing; the test plays the processes.
type fakeLauncher struct {
	launched chan *fakeProcess
	quiesced chan *fakeQuiesce
	inflight func(fleet.Service) map[fleet.Life]int
	measured atomic.Pointer[map[fleet.Life]fleet.Measure]
	opening  func()                              // called by OpenService
	early    func(fleet.Life, func(fleet.Event)) // told before Launch returns
	refuse   map[string]error                    // by OpenService

	mu     sync.Mutex
	opened []string
	ports  []string
}

type fakeProcess struct {
	life  fleet.Life
	svc   fleet.Service
	tell  func(fleet.Event)
	calls chan string
}

type fakeQuiesce struct {
	service string
	tell    func(fleet.Event)
}

func newFakeLauncher() *fakeLauncher {
	return &fakeLauncher{
		launched: make(chan *fakeProcess, 1000),
		quiesced: make(chan *fakeQuiesce, 10),
		inflight: func(fleet.Service) map[fleet.Life]int { return nil },
		opening:  func() {},
		early:    func(fleet.Life, func(fleet.Event)) {},
	}
}

func (l *fakeLauncher) OpenService(svc fleet.Service) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refuse[svc.Name]; err != nil {
		return err
	}
	l.opened = append(l.opened, svc.Name)
	l.opening()
	return nil
}

func (l *fakeLauncher) OpenPorts(svc fleet.Service) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refuse[svc.Name]; err != nil {
		return err
	}
	l.ports = append(l.ports, "open "+strings.Join(slices.Concat(svc.Frontend, svc.Backend), " "))
	return nil
}

func (l *fakeLauncher) ClosePorts(svc fleet.Service) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ports = append(l.ports, "keep "+strings.Join(slices.Concat(svc.Frontend, svc.Backend), " "))
}

// portsOf is what was done with the ports of services that run, since it was last asked.
func (l *fakeLauncher) portsOf() (done []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	done, l.ports = l.ports, nil
	return done
}

func (l *fakeLauncher) CloseService(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = slices.DeleteFunc(l.opened, func(open string) bool { return open == name })
}

// open is the services that are open beside those that there were at first.
func (l *fakeLauncher) open() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.opened)
}

func (l *fakeLauncher) Launch(life fleet.Life, svc fleet.Service, tell func(fleet.Event)) Process {
	p := &fakeProcess{life, svc, tell, make(chan string, 10)}
	l.launched <- p
	l.early(life, tell)
	return p
}

func (l *fakeLauncher) Quiesce(svc fleet.Service, tell func(fleet.Event)) {
	l.quiesced <- &fakeQuiesce{svc.Name, tell}
}

func (l *fakeLauncher) Inflight(svc fleet.Service) map[fleet.Life]int { return l.inflight(svc) }

func (l *fakeLauncher) Measure(context.Context, fleet.Service) map[fleet.Life]fleet.Measure {
	if m := l.measured.Load(); m != nil {
		return *m
	}
	return nil
}

func (p *fakeProcess) Stop() { p.calls <- "stop" }
func (p *fakeProcess) Kill() { p.calls <- "kill" }

func (p *fakeProcess) Abort(string) { p.calls <- "abort" }

func (p *fakeProcess) ready() { p.tell(fleet.BecameReady{Life: p.life}) }
func (p *fakeProcess) exit(code int) {
	p.tell(fleet.Exited{Life: p.life, Exit: fleet.Exit{Code: code}})
}
func (p *fakeProcess) told() (s string) {
	select {
	case s = <-p.calls:
	default:
	}
	return s
}

// bench is a supervisor under test in a bubble of its own time.
type bench struct {
	*testing.T
	*Supervisor
	launcher *fakeLauncher
	cancel   context.CancelFunc
	result   chan error // of Run
	proxy    map[string]*fakeProcess
	workers  []*fakeProcess
	notes    []fleet.Note // safe to read after settle
	rolls    []fleet.RollNote
	over     chan struct{} // closed by end
}

// inBubble runs a test on a fleet of services whose first starts have all become ready.
func inBubble(t *testing.T, services []fleet.Service, test func(*testing.T, *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, services)
		b.run()
		defer b.end()
		b.proxy = map[string]*fakeProcess{}
		for range services {
			p := b.next()
			b.proxy[p.life.Service] = p
			p.ready()
		}
		for b.settle(); len(b.launcher.launched) > 0; b.settle() {
			b.workers = append(b.workers, b.next())
			b.workers[len(b.workers)-1].ready()
		}
		test(t, b)
	})
}

func newBench(t *testing.T, services []fleet.Service) *bench {
	b := &bench{T: t, launcher: newFakeLauncher(), result: make(chan error, 1), over: make(chan struct{})}
	b.Supervisor = New(fleet.Spec{Name: "test", Services: services, MaxStarting: 4}, b.launcher, Options{
		Stepped: func(_ time.Time, _ fleet.Event, actions []fleet.Action) {
			for _, a := range actions {
				switch a := a.(type) {
				case fleet.Note:
					b.notes = append(b.notes, a)
				case fleet.RollNote:
					b.rolls = append(b.rolls, a)
				}
			}
		},
		Rand: func() float64 { return 0.5 },
	})
	return b
}

func (b *bench) run() {
	ctx, cancel := context.WithCancel(b.Context())
	b.cancel = cancel
	go func() { b.result <- b.Supervisor.Run(ctx) }()
}

// end makes sure that Run returns, however the test left things.
func (b *bench) end() {
	b.Shutdown(true, "test")
	b.settle()
	for _, life := range b.living() {
		b.mail.put(fleet.Exited{Life: life})
	}
	if err := <-b.result; err != nil {
		b.Errorf("Run: %v", err)
	}
	b.cancel()
	close(b.over)
}

// silent is an Inflight that does not answer while the test lasts.
func (b *bench) silent(fleet.Service) map[fleet.Life]int {
	<-b.over
	return nil
}

// living is read from the view, so it works after the end too.
func (b *bench) living() (lives []fleet.Life) {
	view, err := b.View(b.Context())
	if err != nil {
		return nil
	}
	for _, svc := range view.Services {
		for _, slot := range slices.Concat(svc.Workers, []fleet.SlotView{svc.Proxy}, svc.Upgrade.Others) {
			if slot.State != fleet.StateStopped {
				lives = append(lives, slot.Life)
			}
		}
	}
	return lives
}

// settle waits until everyone waits for something.
func (b *bench) settle() { synctest.Wait() }

// next is the next process to be launched, in no time.
func (b *bench) next() *fakeProcess {
	b.Helper()
	b.settle()
	select {
	case p := <-b.launcher.launched:
		return p
	default:
		b.Fatal("nothing was launched")
		return nil
	}
}

// quiet fails when something was launched.
func (b *bench) quiet() {
	b.Helper()
	b.settle()
	select {
	case p := <-b.launcher.launched:
		b.Fatalf("%v was launched", p.life)
	default:
	}
}

// expect checks what a process has been told since last time.
func (b *bench) expect(p *fakeProcess, call string) {
	b.Helper()
	b.settle()
	if got := p.told(); got != call {
		b.Fatalf("%v was told %q, want %q", p.life, got, call)
	}
}

func (b *bench) scaleTo(n int) {
	b.Helper()
	if want, err := b.Scale(b.Context(), "", "test", func(int) int { return n }); want != n || err != nil {
		b.Fatalf("Scale to %d: %d, %v", n, want, err)
	}
}

func service(name string, count int) fleet.Service {
	return fleet.Service{
		Name:    name,
		Workers: fleet.Workers{Count: count, Min: 1, Max: 8, StartTimeout: 30 * time.Second},
		Restart: fleet.Restart{
			Delay: 500 * time.Millisecond, MaxDelay: 30 * time.Second, Reset: time.Minute,
			Failures: 3, Window: time.Minute, NoRestart: []int{78},
		},
	}
}

func services(all ...fleet.Service) []fleet.Service { return all }
