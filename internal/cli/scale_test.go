package cli

import (
	"context"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

func TestParseScale(t *testing.T) {
	eight := 8
	for arg, want := range map[string]string{
		"hello=8":  indented(admin.ScaleRequest{Service: "hello", Count: &eight}),
		"8":        indented(admin.ScaleRequest{Count: &eight}),
		"hello=+2": indented(admin.ScaleRequest{Service: "hello", Delta: 2}),
		"hello=-1": indented(admin.ScaleRequest{Service: "hello", Delta: -1}),
		"+2":       indented(admin.ScaleRequest{Delta: 2}),

		"hello=auto": indented(admin.ScaleRequest{Service: "hello", Auto: true}),
		"auto":       indented(admin.ScaleRequest{Auto: true}),
	} {
		if req, err := parseScale(arg); err != nil || indented(req) != want {
			t.Errorf("%s: %s, %v", arg, indented(req), err)
		}
	}
	for _, arg := range []string{
		"", "=", "=8", "hello=", "hello", "hello=+", "hello=8.5", "hello=1e3", "a=b=1", "hello=+0", "hello=99999999999999999999", "=auto", "hello=Auto", "hello=auto8",
	} {
		if req, err := parseScale(arg); err == nil {
			t.Errorf("%q is read as %+v", arg, req)
		}
	}
}

func TestScaleWaits(t *testing.T) {
	sandbox(t)
	socket := serve(t, hello())
	wants(t, exitOK, "hello: 8 workers ready (was 3)\n", "", "scale", "hello=8", "--socket", socket)
	wants(t, exitOK, "hello: 10 workers ready (was 8)\n", "", "scale", "hello=+2", "--socket", socket)
	wants(t, exitOK, "hello: 1 worker wanted (was 10)\n", "", "scale", "1", "--no-wait", "--socket", socket)
}

func TestScaleOfWhatIsAutoscaled(t *testing.T) {
	sandbox(t)
	f := hello()
	f.status.Services[0].Autoscale = &admin.Autoscale{Min: 1, Max: 8}
	socket := serve(t, f)
	wants(t, exitOK, "hello: 8 workers ready (was 3); not autoscaled until zfleet scale hello=auto\n", "", "scale", "hello=8", "--socket", socket)
	wants(t, exitOK, "hello: autoscaled (8 workers wanted now)\n", "", "scale", "auto", "--socket", socket)
	wants(t, exitOK, "hello: 1 worker wanted (was 8); not autoscaled until zfleet scale hello=auto\n", "", "scale", "1", "--no-wait", "--socket", socket)
}

func TestScaleIsLate(t *testing.T) {
	sandbox(t)
	f := hello()
	f.settles = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	f.status.Services[0].Proxy.State = "backoff"
	f.status.Services[0].Workers = []admin.Worker{
		{Name: "hello/0#1", State: "ready"},
		{Name: "hello/1#3", State: "crashloop", Reason: "exited with status 1"},
		{Name: "hello/2#3", State: "starting"},
		{Name: "hello/3#3", State: "pending"}, {Name: "hello/4#3", State: "pending"},
	}
	socket := serve(t, f)
	wants(t, exitLate, "", "zfleet: hello has not come to 5 workers after 50ms; the fleet goes on trying: 3 of 5 workers are ready: "+
		"hello/1#3 is in crashloop: exited with status 1; hello/2#3 is starting; hello/3#3 is pending; and 2 more\n"+
		"hint: zfleet ps\n", "scale", "hello=5", "--timeout", "50ms", "--socket", socket)
}

func TestScaleRefusedChangesNothing(t *testing.T) {
	sandbox(t)
	f := hello()
	socket := serve(t, f)
	wants(t, exitFailed, "", "zfleet: fleet hello has no service \"helo\"; it has hello\nhint: did you mean hello?\n",
		"scale", "hello=4", "helo=5", "--socket", socket)
	if len(f.scaled) != 0 {
		t.Errorf("scaled: %+v", f.scaled)
	}
	f.refusal = &admin.Error{Status: 422, Code: admin.CodeRefused, Message: "cannot scale hello to 9: max = 8", Advice: "zfleet scale hello=8"}
	wants(t, exitFailed, "", "zfleet: cannot scale hello to 9: max = 8\nhint: zfleet scale hello=8\n", "scale", "hello=9", "--socket", socket)
}

func TestScaleOfAFleetThatEnds(t *testing.T) {
	sandbox(t)
	f := hello()
	f.settles = func(context.Context) error { return admin.Errorf(admin.CodeStopping, "the fleet is ending") }
	wants(t, exitFailed, "", "zfleet: cannot see hello come to 5 workers: the fleet is ending\n", "scale", "5", "--socket", serve(t, f))
}

func TestScaleUsage(t *testing.T) {
	sandbox(t)
	hint := "hint: zfleet scale --help\n"
	wants(t, exitUsage, "", "zfleet: zfleet scale needs a number of workers, as in zfleet scale hello=8\n"+hint, "scale")
	wants(t, exitUsage, "", "zfleet: \"a=2\" is the second number for the same service\n"+hint, "scale", "a=1", "a=2")
	wants(t, exitUsage, "", "zfleet: unknown shorthand flag: '1' in -1\n"+hint, "scale", "-1")
}

func TestDownIsLate(t *testing.T) {
	sandbox(t)
	f := hello()
	f.status.Stopping = true
	f.status.Services[0].Queued = 2
	f.status.Services[0].Workers = []admin.Worker{{Inflight: 1}, {Inflight: 2}}
	f.status.Services[0].Foreign = []admin.Lane{{Inflight: 1}}
	socket := serve(t, f)
	wants(t, exitLate, "", "zfleet: the fleet at "+socket+" has not ended after 50ms; it goes on ending: "+
		"2 requests waiting, 4 requests with workers, 2 workers running\nhint: zfleet ps, or zfleet down --now\n",
		"down", "--timeout", "50ms", "--socket", socket)
	_, _, _ = run("down", "--now", "--timeout", "50ms", "--socket", socket)
	if len(f.downed) != 2 || f.downed[0].Now || !f.downed[1].Now {
		t.Errorf("asked: %+v", f.downed)
	}
}
