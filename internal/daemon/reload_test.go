package daemon

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/config"
	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

func TestReloadReadsTheFileAgain(t *testing.T) {
	r := start(t)
	_, err := r.client.Settled(t.Context(), "")
	must(t, err)
	file := config.File{Spec: helloSpec()}
	var wrong error
	r.load = func(path string) (config.File, error) {
		if path != "/srv/hello/fleet.toml" {
			t.Errorf("it reads %s", path)
		}
		return file, wrong
	}
	expect := func(dry bool, want string) {
		t.Helper()
		reply, err := r.client.Reload(t.Context(), admin.ReloadRequest{DryRun: dry})
		must(t, err)
		sameJSON(t, reply, want)
	}
	expect(false, `{"steps":[]}`)
	file.Spec.Services[0].Workers.Count = 3
	file.Log.Level, file.Admin.Socket, file.State = "debug", "/x", "/y"
	plan := `{"steps":[{"do":"scale","service":"hello","what":"2 → 3"},{"do":"later","what":"[log] holds from the next zfleet up"},` +
		`{"do":"later","what":"[admin] holds from the next zfleet up"},{"do":"later","what":"state_dir holds from the next zfleet up"}]}`
	expect(true, plan)
	expect(false, plan)
	status, err := r.client.Settled(t.Context(), "")
	must(t, err)
	if got := status.Services[0].Ready; got != 3 {
		t.Errorf("%d are ready", got)
	}
	file.Spec.Name = "other"
	reply, err := r.client.Reload(t.Context(), admin.ReloadRequest{})
	must(t, err)
	if !reply.Refused || reply.Steps[0].Do != admin.ReloadRefuse {
		t.Errorf("another name: %+v", reply)
	}
	wrong = errors.New("fleet.toml:5:1: unknown key comand")
	_, err = r.client.Reload(t.Context(), admin.ReloadRequest{})
	if refused := new(admin.Error); !errors.As(err, &refused) || refused.Code != admin.CodeRefused || refused.Message != wrong.Error() {
		t.Errorf("a file that is wrong: %v", err)
	}
}

// A service that is added is one as any other: it is announced, autoscaled and can be asked for. One that is removed is shown while it
// goes.
func TestServicesComeAndGoByReload(t *testing.T) {
	r := start(t)
	_, err := r.client.Settled(t.Context(), "")
	must(t, err)
	hello := helloSpec()
	both := helloSpec()
	both.Services = append(both.Services, fleet.Service{
		Name: "echo", Frontend: []string{"tcp://*:1"}, Backend: []string{"tcp://*:2"}, Workers: fleet.Workers{Count: 1},
		Autoscale: fleet.Autoscale{Min: 1, Max: 4, TargetWait: time.Millisecond, TargetBusy: 75},
	})
	reload := func(spec fleet.Spec, want string) {
		t.Helper()
		r.load = func(string) (config.File, error) { return config.File{Spec: spec}, nil }
		reply, err := r.client.Reload(t.Context(), admin.ReloadRequest{})
		must(t, err)
		sameJSON(t, reply, want)
	}
	for range 2 {
		r.launcher.setQuiesce(make(chan struct{}))
		reload(both, `{"steps":[{"do":"add","service":"echo","what":""}]}`)
		status, err := r.client.Settled(t.Context(), "echo")
		must(t, err)
		if svc := status.Services[1]; svc.Name != "echo" || svc.Ready != 1 || svc.Frontend[0] != "tcp://*:1" || svc.Leaving {
			t.Errorf("%+v", svc)
		}
		await.Until(t, "it to be autoscaled", func() bool {
			status, err := r.client.Status(t.Context())
			return err == nil && status.Services[1].Autoscale != nil && status.Services[1].Autoscale.Reason != ""
		})
		reload(hello, `{"steps":[{"do":"remove","service":"echo","what":""}]}`)
		status, err = r.client.Status(t.Context())
		must(t, err)
		if svc := status.Services[1]; svc.Name != "echo" || !svc.Leaving || svc.Ready != 1 {
			t.Errorf("%+v", svc)
		}
		_, err = r.client.Scale(t.Context(), admin.ScaleRequest{Service: "echo", Delta: 1})
		if unknown := new(admin.Error); !errors.As(err, &unknown) || unknown.Code != admin.CodeUnknownService {
			t.Errorf("Scale: %v", err)
		}
		close(r.launcher.quiesce)
		if _, err := r.client.Settled(t.Context(), "echo"); err != nil { // it may be gone already
			if unknown := new(admin.Error); !errors.As(err, &unknown) || unknown.Code != admin.CodeUnknownService {
				t.Errorf("Settled: %v", err)
			}
		}
		await.Until(t, "it to be gone", func() bool {
			status, err := r.client.Status(t.Context())
			return err == nil && len(status.Services) == 1
		})
	}
	if gone := r.launcher.closedServices(); !slices.Equal(gone, []string{"echo", "echo"}) {
		t.Errorf("closed: %v", gone)
	}
	once := []timeline.Kind{timeline.ServiceAdded, timeline.ServiceGoing, timeline.ServiceGone}
	var kinds []timeline.Kind
	await.Until(t, "its events to be on disk", func() bool {
		kinds = nil
		must(t, timeline.Read(t.Context(), r.me.State, timeline.Query{Service: "echo", Last: timeline.All}, func(e timeline.Event) error {
			if e.Service == "echo" && e.Worker == "" && e.Kind != timeline.ServiceUp && e.Kind != timeline.Scaled {
				kinds = append(kinds, e.Kind)
			}
			return nil
		}))
		return len(kinds) >= 2*len(once)
	})
	if !slices.Equal(kinds, slices.Concat(once, once)) {
		t.Errorf("events: %v", kinds)
	}
}
