package daemon

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// fakeLauncher has processes that come up at once and end when told to.
type fakeLauncher struct {
	snapshot func(context.Context) (control.Snapshot, error)
	quiesce  chan struct{} // when it is there, requests are under way until it is closed

	mu     sync.Mutex
	killed []fleet.Life
	gone   []string // services
	closed bool
}

func newFakeLauncher() *fakeLauncher {
	return &fakeLauncher{snapshot: func(context.Context) (control.Snapshot, error) {
		return control.Snapshot{Frontend: []string{"tcp://0.0.0.0:5559"}, Backend: []string{"tcp://0.0.0.0:5560"}, Clients: 7}, nil
	}}
}

func (l *fakeLauncher) OpenService(fleet.Service) error { return nil }

func (l *fakeLauncher) CloseService(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = append(l.gone, name)
}

func (l *fakeLauncher) Launch(life fleet.Life, _ fleet.Service, tell func(fleet.Event)) supervisor.Process {
	go func() {
		tell(fleet.Launched{Life: life, Pid: 100 + life.Slot})
		tell(fleet.BecameReady{Life: life})
	}()
	return &fakeProcess{life: life, launcher: l, tell: tell}
}

func (l *fakeLauncher) Quiesce(svc fleet.Service, tell func(fleet.Event)) {
	l.mu.Lock()
	under := l.quiesce
	l.mu.Unlock()
	go func() {
		if under != nil {
			<-under
		}
		tell(fleet.Quiesced{Service: svc.Name})
	}()
}

func (l *fakeLauncher) Inflight(fleet.Service) map[fleet.Life]int { return nil }

func (l *fakeLauncher) Measure(context.Context, fleet.Service) map[fleet.Life]fleet.Measure {
	return nil
}

func (l *fakeLauncher) Snapshot(ctx context.Context, _ string) (control.Snapshot, error) {
	return l.snapshot(ctx)
}

func (l *fakeLauncher) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

func (l *fakeLauncher) setQuiesce(until chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quiesce = until
}

func (l *fakeLauncher) closedServices() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.gone)
}

func (l *fakeLauncher) kills() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.killed)
}

func (l *fakeLauncher) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

type fakeProcess struct {
	life     fleet.Life
	launcher *fakeLauncher
	tell     func(fleet.Event)
	end      sync.Once
}

func (p *fakeProcess) Stop() { p.exit(fleet.Exit{Rung: "drained"}) }

func (p *fakeProcess) Abort(string) { p.Kill() }

func (p *fakeProcess) Kill() {
	p.launcher.mu.Lock()
	p.launcher.killed = append(p.launcher.killed, p.life)
	p.launcher.mu.Unlock()
	p.exit(fleet.Exit{Code: -1, Signal: "SIGKILL"})
}

func (p *fakeProcess) exit(how fleet.Exit) {
	p.end.Do(func() { go p.tell(fleet.Exited{Life: p.life, Exit: how}) })
}

// lines is a log that several goroutines write and a test reads.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *fakeLauncher) OpenPorts(fleet.Service) error { return nil }
func (l *fakeLauncher) ClosePorts(fleet.Service)      {}
