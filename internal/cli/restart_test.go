package cli

import (
	"context"
	"slices"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// rolls is a fleet whose restart comes to this.
func rolls(roll admin.Roll) *fakeFleet {
	f := hello()
	f.rolled = func(context.Context) (admin.Roll, error) { return roll, nil }
	return f
}

func TestRestartWaits(t *testing.T) {
	sandbox(t)
	f := rolls(admin.Roll{Service: "hello", State: admin.RollDone, Done: 3, Of: 3})
	socket := serve(t, f)
	wants(t, exitOK, "hello: 3 workers restarted\n", "", "restart", "hello", "--socket", socket)
	wants(t, exitOK, "hello: 3 workers restarted\n", "", "restart", "hello/1", "hello/2", "--socket", socket)
	wants(t, exitOK, "hello: 3 workers restarted\n", "", "restart", "--all", "--continue", "--socket", socket)
	wants(t, exitOK, "hello: 3 workers to restart\n", "", "restart", "hello", "--no-wait", "--socket", socket)
	wants(t, exitOK, "hello: given up, 0 workers of 3 replaced\n", "", "restart", "hello", "--undo", "--socket", socket)
	one, two := 1, 2
	want := []admin.RestartRequest{
		{Service: "hello"}, {Service: "hello", Slot: &one}, {Service: "hello", Slot: &two}, {Do: "continue"}, {Service: "hello"},
		{Service: "hello", Do: "undo"},
	}
	if got := indented(f.restarted); got != indented(want) {
		t.Errorf("asked for %s, want %s", got, indented(want))
	}
}

func TestRestartThatFreezes(t *testing.T) {
	sandbox(t)
	socket := serve(t, rolls(admin.Roll{
		Service: "hello", State: admin.RollFrozen, Done: 1, Of: 3, Reason: "hello/1#2 did not become ready: exited with status 1: no model",
		LastLines: []string{"loading", "no model\x1b[2J"},
	}))
	wants(t, exitFailed, "", "zfleet: the restart of hello is frozen with 1 of 3 workers replaced, the others serve on: "+
		"hello/1#2 did not become ready: exited with status 1: no model\nzfleet:   loading\nzfleet:   no model\\x1b[2J\n"+
		"hint: mend it, then zfleet restart hello --continue; or zfleet restart hello --undo\n", "restart", "hello", "--socket", socket)
}

func TestRestartThatWasGivenUp(t *testing.T) {
	sandbox(t)
	socket := serve(t, rolls(admin.Roll{Service: "hello", State: admin.RollUndone, Done: 1, Of: 3}))
	wants(t, exitFailed, "", "zfleet: the restart of hello was given up, with 1 of 3 workers replaced\n", "restart", "hello", "--socket", socket)
}

// Settings that a reload brought are taken back by another restart, and --undo waits for that.
func TestUndoThatTakesBack(t *testing.T) {
	sandbox(t)
	f := rolls(admin.Roll{Service: "hello", State: admin.RollDone, Done: 1, Of: 1})
	f.began = admin.RollRolling
	wants(t, exitOK, "hello: 1 worker restarted\n", "", "restart", "hello", "--undo", "--socket", serve(t, f))
}

func TestRestartIsLate(t *testing.T) {
	sandbox(t)
	f := hello()
	f.rolled = func(ctx context.Context) (admin.Roll, error) { <-ctx.Done(); return admin.Roll{}, ctx.Err() }
	f.status.Services[0].Roll = &admin.Roll{Service: "hello", State: admin.RollRolling, Done: 2, Of: 3}
	wants(t, exitLate, "", "zfleet: hello is not restarted after 50ms; the fleet goes on: 2 of 3 workers are replaced\nhint: zfleet ps\n",
		"restart", "hello", "--timeout", "50ms", "--socket", serve(t, f))
}

func TestRestartUsage(t *testing.T) {
	sandbox(t)
	f := rolls(admin.Roll{})
	socket := serve(t, f)
	hint := "hint: zfleet restart --help\n"
	needs := "zfleet: zfleet restart needs a service, as in zfleet restart hello, or --all\n" + hint
	wants(t, exitUsage, "", needs, "restart")
	wants(t, exitUsage, "", needs, "restart", "hello", "--all")
	wants(t, exitUsage, "", "zfleet: --continue and --undo cannot both be meant\n"+hint, "restart", "hello", "--undo", "--continue")
	for _, args := range [][]string{{"hello/x"}, {"hello/-1"}, {"hello/"}, {"/1"}, {""}, {"hello/1", "--undo"}} {
		if _, _, code := run(append([]string{"restart", "--socket", socket}, args...)...); code != exitUsage {
			t.Errorf("%q: code %d", args, code)
		}
	}
	wants(t, exitFailed, "", "zfleet: fleet hello has no service \"helo\"; it has hello\nhint: did you mean hello?\n",
		"restart", "hello", "helo", "--socket", socket)
	if len(f.restarted) != 0 {
		t.Errorf("asked for %+v", f.restarted)
	}
}

func TestCompletionOffersServices(t *testing.T) {
	sandbox(t)
	writeFile(t, "fleet.toml", "[service.a]\nfrontend = \"tcp://*:*\"\nbackend = \"tcp://*:*\"\nworkers.command = [\"true\"]\n"+
		"[service.b]\nfrontend = \"tcp://*:*\"\nbackend = \"tcp://*:*\"\nworkers.command = [\"true\"]\n")
	if got := offered(where{}, []string{"b"}, ""); !slices.Equal(got, []string{"a"}) {
		t.Errorf("offered: %q", got)
	}
}
