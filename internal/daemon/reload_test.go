package daemon

import (
	"errors"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/config"
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
	file.Spec.Services[0].Frontend = []string{"tcp://*:1"}
	reply, err := r.client.Reload(t.Context(), admin.ReloadRequest{})
	must(t, err)
	if !reply.Refused || reply.Steps[0].Do != admin.ReloadRefuse {
		t.Errorf("other endpoints: %+v", reply)
	}
	wrong = errors.New("fleet.toml:5:1: unknown key comand")
	_, err = r.client.Reload(t.Context(), admin.ReloadRequest{})
	if refused := new(admin.Error); !errors.As(err, &refused) || refused.Code != admin.CodeRefused || refused.Message != wrong.Error() {
		t.Errorf("a file that is wrong: %v", err)
	}
}
