package daemon

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// busyProxy is a proxy at which twenty requests arrive every second of which each takes half a second, with as many lanes as there are
// workers, in the time of a bubble.
type busyProxy struct {
	mu    sync.Mutex
	began time.Time
	fails bool
	idle  bool
	lanes int
}

func (p *busyProxy) snapshot(context.Context) (control.Snapshot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails {
		return control.Snapshot{}, errors.New("cannot reach the proxy")
	}
	s := control.Snapshot{Since: p.began}
	for range p.lanes {
		s.Lanes = append(s.Lanes, control.Lane{Worker: "hello/0#1"})
	}
	if p.idle {
		return s, nil
	}
	seconds := uint64(time.Since(p.began).Seconds() * 1000)
	s.Queued, s.Inflight = 100, p.lanes
	s.Counters.Requests = seconds * 20 / 1000
	s.Load = control.Load{
		OldestUS: 5e6, Working: p.lanes, Delivered: s.Counters.Requests, Answered: s.Counters.Requests,
		WaitedUS: s.Counters.Requests * 4e6, BusyUS: s.Counters.Requests * 5e5,
	}
	return s, nil
}

// is makes it another one, or the same in another state.
func (p *busyProxy) is(began time.Time, lanes int, fails, idle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began, p.lanes, p.fails, p.idle = began, lanes, fails, idle
}

// inAutoscaled runs a test with a daemon whose service hello is autoscaled, with 2 workers at first.
func inAutoscaled(t *testing.T, auto fleet.Autoscale, test func(*testing.T, *Daemon, *busyProxy, *lines)) {
	synctest.Test(t, func(t *testing.T) {
		spec := helloSpec()
		spec.Services[0].Autoscale = auto
		l, proxy, log := newFakeLauncher(), &busyProxy{began: time.Now(), lanes: 2}, &lines{}
		l.snapshot = proxy.snapshot
		d := &Daemon{spec: spec, launcher: l, log: zerolog.New(log), supervisor: supervisor.New(spec, l, supervisor.Options{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- d.supervisor.Run(context.Background()) }()
		scaler := &autoscaler{Daemon: d, service: "hello"}
		d.attendants.of = map[string]attendant{"hello": {scaler, cancel}}
		go func() { scaler.run(ctx); ended <- nil }()
		synctest.Wait()
		test(t, d, proxy, log)
		cancel()
		d.supervisor.Shutdown(true, "")
		must(t, <-ended)
		must(t, <-ended)
	})
}

func autoscaled8() fleet.Autoscale {
	return fleet.Autoscale{
		Min: 0, Max: 8, TargetWait: 50 * time.Millisecond, TargetBusy: 75, UpCooldown: 3 * time.Second, DownAfter: time.Minute,
		DownCooldown: 15 * time.Second, IdleAfter: 5 * time.Minute,
	}
}

func hello(t *testing.T, d *Daemon) admin.Service {
	t.Helper()
	status, err := d.Status(t.Context())
	must(t, err)
	return status.Services[0]
}

func TestAutoscalingAddsWorkersAndTellsWhy(t *testing.T) {
	inAutoscaled(t, autoscaled8(), func(t *testing.T, d *Daemon, proxy *busyProxy, log *lines) {
		time.Sleep(10 * time.Second)
		svc := hello(t, d)
		if svc.Want != 8 || svc.Ready != 8 || svc.Autoscale.Change == nil || svc.Autoscale.Change.Cause != "waits" || svc.Autoscale.WaitMS < 50 {
			t.Fatalf("after ten seconds: want %d, ready %d, %+v", svc.Want, svc.Ready, svc.Autoscale)
		}
		if text := log.String(); !strings.Contains(text, `"cause":"waits"`) || !strings.Contains(text, "autoscaling was obeyed") {
			t.Errorf("the log has\n%s", text)
		}
		proxy.is(time.Now(), 8, false, true)
		time.Sleep(6 * time.Minute)
		if svc := hello(t, d); svc.Want != 0 || svc.Autoscale.Change.Cause != "idle" {
			t.Errorf("when it has been idle: want %d, %+v", svc.Want, svc.Autoscale)
		}
		proxy.is(time.Now().Add(-time.Second), 0, false, false)
		time.Sleep(200 * time.Millisecond)
		if svc := hello(t, d); svc.Want == 0 || svc.Autoscale.Change.Cause != "woken" {
			t.Errorf("when a request waits: want %d, %+v", svc.Want, svc.Autoscale)
		}
	})
}

func TestANumberSetByHandHoldsUntilAuto(t *testing.T) {
	inAutoscaled(t, autoscaled8(), func(t *testing.T, d *Daemon, _ *busyProxy, _ *lines) {
		one := 1
		reply, err := d.Scale(t.Context(), admin.ScaleRequest{Count: &one})
		must(t, err)
		if want := (admin.ScaleReply{Service: "hello", Want: 1, Was: 2, Auto: admin.AutoHeld}); reply != want {
			t.Errorf("got %+v, want %+v", reply, want)
		}
		time.Sleep(time.Minute)
		if svc := hello(t, d); svc.Want != 1 || !svc.Autoscale.Held || svc.Autoscale.Reason != "" {
			t.Errorf("held: want %d, %+v", svc.Want, svc.Autoscale)
		}
		reply, err = d.Scale(t.Context(), admin.ScaleRequest{Service: "hello", Auto: true})
		must(t, err)
		if want := (admin.ScaleReply{Service: "hello", Want: 1, Was: 1, Auto: admin.AutoDecides}); reply != want {
			t.Errorf("got %+v, want %+v", reply, want)
		}
		time.Sleep(10 * time.Second)
		if svc := hello(t, d); svc.Want != 8 || svc.Autoscale.Held {
			t.Errorf("autoscaled again: want %d, %+v", svc.Want, svc.Autoscale)
		}
	})
}

func TestAutoscalingWaitsForAProxyThatDoesNotAnswer(t *testing.T) {
	inAutoscaled(t, autoscaled8(), func(t *testing.T, d *Daemon, proxy *busyProxy, _ *lines) {
		proxy.is(time.Now(), 2, true, false)
		time.Sleep(10 * time.Minute)
		if svc := hello(t, d); svc.Want != 2 {
			t.Errorf("blind for ten minutes, it wants %d", svc.Want)
		}
		proxy.is(time.Now(), 2, false, false)
		time.Sleep(10 * time.Second)
		if svc := hello(t, d); svc.Want != 8 {
			t.Errorf("then it wants %d", svc.Want)
		}
	})
}

func TestWithoutAutoscalingThereIsNoAuto(t *testing.T) {
	inAutoscaled(t, fleet.Autoscale{}, func(t *testing.T, d *Daemon, _ *busyProxy, _ *lines) {
		time.Sleep(time.Minute)
		if svc := hello(t, d); svc.Want != 2 || svc.Autoscale != nil {
			t.Errorf("want %d, %+v", svc.Want, svc.Autoscale)
		}
		_, err := d.Scale(t.Context(), admin.ScaleRequest{Auto: true})
		var refused *admin.Error
		if !errors.As(err, &refused) || refused.Code != admin.CodeRefused || !strings.Contains(err.Error(), "[service.hello.autoscale]") {
			t.Errorf("got %v", err)
		}
	})
}

// Lanes that take no requests are no help, whatever the reason.
func TestObservationOfLanes(t *testing.T) {
	mine, foreign := control.Lane{Worker: "hello/0#1"}, control.Lane{}
	lanes := []control.Lane{mine, foreign}
	for _, spoil := range []func(*control.Lane){
		func(l *control.Lane) { l.Draining = true },
		func(l *control.Lane) { l.OnHold = true },
		func(l *control.Lane) { l.Stuck = "too long" },
		func(l *control.Lane) { l.Unfit = "probe failed 3/3" },
	} {
		for _, lane := range []control.Lane{mine, foreign} {
			spoil(&lane)
			lanes = append(lanes, lane)
		}
	}
	if o := observation(time.Now(), fleet.ServiceView{}, control.Snapshot{Lanes: lanes}); o.Lanes != 1 || o.Foreign != 1 {
		t.Errorf("%+v", o)
	}
}
