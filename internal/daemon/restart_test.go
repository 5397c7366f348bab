package daemon

import (
	"errors"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

func TestRestartIsARequestAndAnOutcome(t *testing.T) {
	r := start(t)
	_, err := r.client.Settled(t.Context(), "")
	must(t, err)
	one := 1
	for i, req := range []admin.RestartRequest{{}, {Service: "hello"}, {Service: "hello", Slot: &one}} {
		reply, err := r.client.Restart(t.Context(), req)
		must(t, err)
		of := 2
		if req.Slot != nil {
			of = 1
		}
		if len(reply.Rolls) != 1 || reply.Rolls[0].Number != i+1 || reply.Rolls[0].Of != of {
			t.Errorf("%+v: %+v", req, reply)
		}
		roll, err := r.client.Rolled(t.Context(), "", i+1)
		must(t, err)
		if roll.Service != "hello" || roll.State != admin.RollDone || roll.Done != of {
			t.Errorf("%+v came to %+v", req, roll)
		}
	}
	status, err := r.client.Status(t.Context())
	must(t, err)
	if svc := status.Services[0]; svc.Ready != 2 || svc.Workers[0].Name != "hello/0#3" || svc.Workers[1].Name != "hello/1#4" {
		t.Errorf("afterwards: %+v", svc)
	}
	for do, want := range map[string]string{
		admin.RestartContinue: "cannot continue the rolling restart of hello: none is under way",
		admin.RestartUndo:     "cannot give up the rolling restart of hello: none is under way",
	} {
		_, err := r.client.Restart(t.Context(), admin.RestartRequest{Do: do})
		if refused := new(admin.Error); !errors.As(err, &refused) || refused.Code != admin.CodeRefused || refused.Message != want {
			t.Errorf("%s: %v", do, err)
		}
	}
	_, err = r.client.Restart(t.Context(), admin.RestartRequest{Service: "helo"})
	_, also := r.client.Rolled(t.Context(), "helo", 0)
	for _, err := range []error{err, also} {
		if unknown := new(admin.Error); !errors.As(err, &unknown) || unknown.Code != admin.CodeUnknownService {
			t.Errorf("of a service that there is not: %v", err)
		}
	}
}
