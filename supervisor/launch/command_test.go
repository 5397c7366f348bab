package launch

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// A plain command says nothing of itself. Whoever of its process group, or of its descendants, connects is taken for it.
func TestCommandIsKnownByItsProcess(t *testing.T) {
	t.Parallel()
	for what, argv := range map[string][]string{
		"itself":                     {os.Args[0], "command"},
		"a child":                    {os.Args[0], "command", "grandchild"},
		"a child in its own session": {os.Args[0], "command", "session"},
		"a shell's child":            {"sh", "-c", fmt.Sprintf("%q command; exit 1", os.Args[0])},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, fleet.Workers{Command: argv})
			r.startProxy()
			name, p := r.launch(0, 1)
			r.ready(name, 1)
			snapshot, err := r.Snapshot(t.Context(), "hello")
			if err != nil || len(snapshot.Lanes) != 1 || snapshot.Lanes[0].Worker != "hello/0#1" {
				t.Errorf("the proxy knows %+v, %v", snapshot.Lanes, err)
			}
			p.Stop()
			if exit := r.exit(name); exit.Signal != "SIGTERM" || exit.Reason != "killed by SIGTERM" || exit.Rung != rungDrained {
				t.Errorf("exit: %+v", exit)
			}
		})
	}
}

// A connection of somebody else is not taken for a worker's, nor one worker's for another's.
func TestForeignLane(t *testing.T) {
	t.Parallel()
	r := newRig(t, asCommand("command"))
	r.startProxy()
	defer func() { _ = connect(r.home.ports.connect(r.svc), "-").Close() }()
	name, _ := r.launch(0, 1)
	other, _ := r.launch(1, 1)
	r.ready(name, 1)
	r.ready(other, 1)
	kill(t, r.pid(name), unix.SIGKILL)
	if exit := r.exit(name); exit.Signal != "SIGKILL" || exit.Rung != "" {
		t.Errorf("exit: %+v", exit)
	}
	if n := r.count(func(e fleet.Event) bool {
		_, ok := e.(fleet.BecameUnready)
		return ok && e.(fleet.BecameUnready).Life == other
	}); n > 2 {
		t.Errorf("the other worker became unready %d times", n)
	}
}

func TestCommandThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{Command: []string{"/nowhere/worker"}})
	name, p := r.launch(0, 1)
	exit := r.exit(name)
	if exit.Reason != "cannot start /nowhere/worker: there is no such file" || !exit.Permanent || exit.Code != -1 {
		t.Errorf("exit: %+v", exit)
	}
	p.Stop()
	p.Kill()
	if n := r.count(func(e fleet.Event) bool { _, ok := e.(fleet.Launched); return ok }); n != 0 {
		t.Error("Launched was told")
	}
}

func TestServiceWithoutWorkers(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{})
	name, _ := r.launch(0, 1)
	if exit := r.exit(name); exit.Reason != "cannot start a worker: the service has neither plugin nor command" {
		t.Errorf("exit: %+v", exit)
	}
	r.svc.Name = "other"
	name, _ = r.launch(0, 2)
	if exit := r.exit(name); exit.Reason != "not started: the launcher has no service other" || !exit.Permanent {
		t.Errorf("exit: %+v", exit)
	}
}
