package daemon

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/config"
	"github.com/zfleet/zfleet/internal/systemd"
	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// audience is what a service manager hears, and the fleet of which it hears, both in a bubble of synctest.
type audience struct {
	*herald

	mu    sync.Mutex
	now   fleet.View
	err   error
	hangs chan struct{} // the loop, while it is there
	heard []string
}

func (a *audience) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func newAudience(watchdog time.Duration) *audience {
	a := &audience{}
	a.herald = &herald{
		watchdog: watchdog, log: zerolog.Nop(), changed: make(chan struct{}, 1),
		send: func(states ...string) error {
			a.set(func() { a.heard = append(a.heard, states...) })
			return nil
		},
		view: a.look,
	}
	return a
}

func (a *audience) look(ctx context.Context) (view fleet.View, err error) {
	var hangs chan struct{}
	a.set(func() { hangs = a.hangs })
	if hangs != nil {
		select {
		case <-hangs:
		case <-ctx.Done():
			return fleet.View{}, ctx.Err()
		}
	}
	a.set(func() {
		view, err = a.now, a.err
		view.Services = slices.Clone(view.Services) // what is here may change while it is read
	})
	view.Services = slices.Clone(view.Services)
	return view, err
}

// becomes changes the fleet and compares what is told of it within half a second.
func (a *audience) becomes(t *testing.T, view fleet.View, want ...string) {
	t.Helper()
	a.set(func() { a.now = view })
	a.note()
	a.hears(t, time.Second/2, want...)
}

func (a *audience) hears(t *testing.T, within time.Duration, want ...string) {
	t.Helper()
	time.Sleep(within)
	synctest.Wait()
	a.set(func() {
		if !slices.Equal(a.heard, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(a.heard, "\n"), strings.Join(want, "\n"))
		}
		a.heard = nil
	})
}

func slot(n int, state fleet.State, restarts int) fleet.SlotView {
	v := fleet.SlotView{Life: life(n, restarts+1), State: state, Restarts: restarts, Pid: 100 + n}
	if restarts > 0 {
		v.Reason = "exited with\nstatus 1"
	}
	return v
}

func viewWith(proxy fleet.State, workers ...fleet.SlotView) fleet.View {
	svc := fleet.ServiceView{Name: "hello", Want: len(workers), Proxy: slot(fleet.ProxySlot, proxy, 0), Workers: workers}
	for _, w := range workers {
		if w.State == fleet.StateReady {
			svc.Ready++
		}
	}
	return fleet.View{Services: []fleet.ServiceView{svc}}
}

const extension = "EXTEND_TIMEOUT_USEC=30000000"

// One worker is enough to be up; what the others do is in the status.
func TestManagerIsToldWhenTheFleetServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(0)
		a.now = viewWith(fleet.StateStarting, slot(0, fleet.StatePending, 0), slot(1, fleet.StatePending, 0))
		go a.run(t.Context())
		a.hears(t, time.Millisecond, extension, "STATUS=hello 0/2 ready")
		a.hears(t, 11*time.Second, extension, extension)
		a.becomes(t, viewWith(fleet.StateReady, slot(0, fleet.StateStarting, 0), slot(1, fleet.StatePending, 0)), extension)
		a.becomes(t, viewWith(fleet.StateReady, slot(0, fleet.StateReady, 0), slot(1, fleet.StateStarting, 0)),
			"READY=1", "STATUS=hello 1/2 ready")
		a.hears(t, time.Minute)
		a.becomes(t, viewWith(fleet.StateReady, slot(0, fleet.StateReady, 0), slot(1, fleet.StateBackoff, 1)),
			"STATUS=hello 1/2 ready (hello/1#2 backoff: exited with status 1)")
		a.becomes(t, viewWith(fleet.StateReady, slot(0, fleet.StateBackoff, 1), slot(1, fleet.StateReady, 1)),
			"STATUS=hello 1/2 ready (hello/0#2 backoff: exited with status 1)") // and not READY once more
		ending := viewWith(fleet.StateReady, slot(0, fleet.StateDraining, 0), slot(1, fleet.StateDraining, 0))
		ending.Stopping = true
		a.becomes(t, ending, "STOPPING=1", "STATUS=ending: 3 processes left")
		ending = viewWith(fleet.StateStopping)
		ending.Stopping = true
		a.becomes(t, ending, "STATUS=ending: 1 process left")
	})
}

// A service that is being removed keeps nobody waiting, whether it ever came up or not.
func TestManagerIsToldOfAServiceThatGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(0)
		a.now = viewWith(fleet.StateReady, slot(0, fleet.StateReady, 0))
		old := viewWith(fleet.StateBackoff, slot(0, fleet.StateStarting, 0)).Services[0]
		old.Name, old.Leaving = "old", true
		a.now.Services = append(a.now.Services, old)
		go a.run(t.Context())
		a.hears(t, time.Millisecond, "READY=1", "STATUS=hello 1/1 ready, old is being removed")
		a.becomes(t, viewWith(fleet.StateReady, slot(0, fleet.StateReady, 0)), "STATUS=hello 1/1 ready")
	})
}

// Who has failed once gets no more time than the manager gives by itself; nor does a fleet of which one service cannot come up.
func TestManagerIsNotHeldOffForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(0)
		a.now = viewWith(fleet.StateReady, slot(0, fleet.StateCrashloop, 5))
		go a.run(t.Context())
		a.hears(t, time.Minute, "STATUS=hello 0/1 ready (hello/0#6 crashloop: exited with status 1)")
		a.becomes(t, viewWith(fleet.StateReady, slot(0, fleet.StateStarting, 5)), "STATUS=hello 0/1 ready")
		both := viewWith(fleet.StateReady, slot(0, fleet.StateStarting, 0))
		both.Services = append(both.Services, viewWith(fleet.StateReady, slot(0, fleet.StateStopped, 1)).Services...)
		a.becomes(t, both, "STATUS=hello 0/1 ready, hello 0/1 ready (hello/0#2 stopped: exited with status 1)")
		a.hears(t, time.Minute)
		a.becomes(t, viewWith(fleet.StateReady), "READY=1", "STATUS=hello 0/0 ready") // no workers are wanted: that is what it is
	})
}

// The watchdog is fed at half its time, and only while the supervisor's loop answers.
func TestWatchdogBitesWhenTheLoopHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(4 * time.Second)
		a.now = viewWith(fleet.StateReady, slot(0, fleet.StateReady, 0))
		go a.run(t.Context())
		a.hears(t, time.Second, "READY=1", "STATUS=hello 1/1 ready")
		a.hears(t, 4*time.Second, "WATCHDOG=1", "WATCHDOG=1")
		hangs := make(chan struct{})
		a.set(func() { a.hangs = hangs })
		a.hears(t, time.Hour)
		close(hangs)
		a.hears(t, time.Millisecond, "WATCHDOG=1", "WATCHDOG=1")           // the one that hung, and one that was due meanwhile
		a.set(func() { a.now, a.err = fleet.View{}, supervisor.ErrEnded }) // the fleet is being taken down
		a.hears(t, 4*time.Second, "WATCHDOG=1", "STOPPING=1", "STATUS=ending: 0 processes left", "WATCHDOG=1")
	})
}

// Hundreds of changes in a moment are few lines.
func TestManagerIsToldInMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(0)
		a.now = viewWith(fleet.StateReady, slot(0, fleet.StateReady, 0))
		go a.run(t.Context())
		a.hears(t, time.Second, "READY=1", "STATUS=hello 1/1 ready")
		for range 200 {
			a.set(func() { a.now.Services[0].Want++ })
			a.note()
			time.Sleep(time.Millisecond)
		}
		time.Sleep(heraldPause)
		synctest.Wait()
		a.mu.Lock()
		defer a.mu.Unlock()
		if last := a.heard[len(a.heard)-1]; len(a.heard) > 4 || last != "STATUS=hello 1/201 ready" {
			t.Errorf("told %d times, last %s", len(a.heard), last)
		}
	})
}

// The whole of it over a real socket.
func TestDaemonTellsItsManager(t *testing.T) {
	l, log := newFakeLauncher(), &lines{}
	opts := options(t, l, log)
	path := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetReadDeadline(time.Now().Add(patience)))
	t.Setenv("NOTIFY_SOCKET", path)
	opts.Manager, err = systemd.FromEnvironment()
	must(t, err)
	opts.load = func(string) (config.File, error) { return config.File{Spec: opts.Spec}, nil }
	d, err := New(opts)
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(context.Background()) }()
	hear := func(want string) {
		t.Helper()
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			must(t, err)
			if strings.HasPrefix(string(buf[:n]), want) {
				return
			}
		}
	}
	hear("READY=1")
	_, err = d.Reload(t.Context(), admin.ReloadRequest{})
	must(t, err)
	hear("RELOADING=1\nMONOTONIC_USEC=")
	hear("READY=1")
	must(t, d.Down(t.Context(), admin.DownRequest{}))
	hear("STOPPING=1")
	must(t, <-ended)
}
