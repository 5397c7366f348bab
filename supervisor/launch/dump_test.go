package launch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// sleeperInPython says when it sleeps, and where: faulthandler names the function.
const sleeperInPython = `
import faulthandler, time
faulthandler.enable()
def handle_for_ever():
    print("asleep", flush=True)
    time.sleep(600)
handle_for_ever()
`

// What a worker that is aborted prints when it is asked to stands in how it ended.
func TestAbortedWorkerLeavesAStackDump(t *testing.T) {
	t.Parallel()
	python := fleet.Workers{Command: []string{"/usr/bin/python3", "-c", sleeperInPython}}
	for what, test := range map[string]struct {
		workers  fleet.Workers
		signal   string
		stopped  bool
		in, last string
	}{
		"plugin":                  {workers: asPlugin("plugin"), signal: "SIGQUIT", in: "SIGQUIT: quit", last: "launch.pluginMain"},
		"plugin that stands":      {workers: asPlugin("plugin"), signal: "SIGQUIT", stopped: true, in: "SIGQUIT: quit", last: "launch.pluginMain"},
		"command":                 {workers: python, signal: "SIGABRT", in: "Fatal Python error: Aborted", last: "in handle_for_ever"},
		"command behind a shell":  {workers: behindShell(python), signal: "SIGABRT", in: "Fatal Python error: Aborted", last: "in handle_for_ever"},
		"command in Go, or alike": {workers: asCommand("command"), signal: "SIGABRT", in: "SIGABRT: abort", last: "launch.commandMain"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, test.workers)
			r.bounds.dump = time.Minute
			r.svc.Health.DumpSignal = test.signal
			r.startProxy()
			name, p := r.launch(0, 1)
			if test.in == "Fatal Python error: Aborted" {
				r.log.await(t, map[string]any{"message": "asleep"})
			} else {
				r.ready(name, 1)
			}
			if test.stopped {
				freeze(t, r.pid(name))
			}
			p.Abort("it hangs")
			p.Abort("it still hangs")
			exit := r.exit(name)
			dump := strings.Join(exit.LastLines, "\n")
			if exit.Dump != test.signal || exit.Reason != "killed: it hangs" || !strings.Contains(dump, test.in) || !strings.Contains(dump, test.last) {
				t.Errorf("exit: %+v", exit)
			}
			if i := slices.IndexFunc(exit.LastLines, registerLine.MatchString); i >= 0 {
				t.Errorf("a register is kept: %q", exit.LastLines[i])
			}
		})
	}
}

// behindShell has a shell run the command as its child.
func behindShell(w fleet.Workers) fleet.Workers {
	w.Command = append([]string{"/bin/sh", "-c", `"$@"; exit 1`, "sh"}, w.Command...)
	return w
}

// One that does not end is killed when its time is over, and at once when nobody wants to wait or no dump is wanted.
func TestAbortedWorkerIsKilled(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		signal string
		bound  time.Duration
		kill   bool
	}{
		"in time":         {signal: "SIGTERM", bound: 50 * time.Millisecond},
		"at once":         {signal: "SIGTERM", bound: time.Hour, kill: true},
		"without a dump":  {bound: time.Hour},
		"unknown signals": {signal: "SIGNONE", bound: time.Hour},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, asCommand("command", "ignore-term"))
			r.bounds.dump, r.svc.Health.DumpSignal = test.bound, test.signal
			r.startProxy()
			name, p := r.launch(0, 1)
			r.ready(name, 1)
			p.Abort("it hangs")
			if test.kill {
				p.Kill()
			}
			if exit := r.exit(name); exit.Signal != "SIGKILL" || exit.Rung != "" && !test.kill {
				t.Errorf("exit: %+v", exit)
			}
		})
	}
}

// A process that ended before anybody could abort it tells its own end.
func TestAbortComesTooLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, asCommand("command"))
	li := newLife(r.Launcher, fleet.Life{Service: "hello", Slot: 0, N: 1}, r.svc, r.tell)
	child, err := li.create()
	if err != nil {
		t.Fatal(err)
	}
	li.child = child
	kill(t, child.pid, unix.SIGTERM)
	await.Until(t, "the end", child.isDead)
	if e := li.end(abortedError{"it hangs"}); e != (ending{}) {
		t.Errorf("%+v", e)
	}
	if exit := li.bury(ending{}); exit.Signal != "SIGTERM" || exit.Reason != "killed by SIGTERM" {
		t.Errorf("exit: %+v", exit)
	}
}
