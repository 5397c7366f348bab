package launch

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// A second proxy takes over from the first: it has its lanes, the workers do not notice, and the first ends by itself.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	first, old := r.startProxy()
	name, _ := r.startBoth()
	hiccups := func() int {
		return r.count(func(e fleet.Event) bool {
			u, ok := e.(fleet.BecameUnready)
			return ok && u.Life.Slot >= 0
		})
	}
	before := hiccups()
	second, _ := r.launch(fleet.ProxySlot, 2)
	r.ready(second, 1)
	old.Stop()
	if exit := r.exit(first); exit.Code != 0 || exit.Signal != "" {
		t.Errorf("exit: %+v", exit)
	}
	snapshot, err := r.Snapshot(t.Context(), "hello")
	if err != nil || snapshot.Pid != r.pid(second) || len(snapshot.Lanes) != 2 {
		t.Errorf("%+v, %v", snapshot, err)
	}
	third, _ := r.launch(2, 1) // the lanes are followed, and old connections not asked over
	r.ready(third, 1)
	if after := hiccups(); after != before+2 { // of the third, which starts
		t.Errorf("%d times a worker was not ready, want %d", after, before+2)
	}
	kill(t, r.pid(second), unix.SIGKILL)
	r.unready(name, "the proxy is not there")
}

// One that cannot leaves the first serving.
func TestTakeOverThatFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	first, _ := r.startProxy()
	name, _ := r.launch(0, 1)
	r.ready(name, 1)
	for n, delivery := range []string{refusesToTakeOver, hangsTakingOver} {
		r.svc.Delivery.ErrorReply = delivery
		second, p := r.launch(fleet.ProxySlot, 2+n)
		if delivery == hangsTakingOver {
			r.unready(second, "waits for its control socket to answer")
			p.Kill()
		}
		exit := r.exit(second)
		if delivery == refusesToTakeOver && !strings.Contains(strings.Join(exit.LastLines, ""), refusesToTakeOver) {
			t.Errorf("exit: %+v", exit)
		}
	}
	r.svc.Delivery.ErrorReply = ""
	r.Launcher.opts.Self = "/nowhere/zfleet"
	missing, _ := r.launch(fleet.ProxySlot, 4)
	if exit := r.exit(missing); exit.Reason != "cannot start /nowhere/zfleet: there is no such file" {
		t.Errorf("exit: %+v", exit)
	}
	r.Launcher.opts.Self = os.Args[0]
	if snapshot, err := r.Snapshot(t.Context(), "hello"); err != nil || snapshot.Pid != r.pid(first) {
		t.Errorf("%d answers, %v", snapshot.Pid, err)
	}
	if n := r.count(func(e fleet.Event) bool {
		u, ok := e.(fleet.BecameUnready)
		return ok && u.Life == name && u.Reason == "the proxy is not there"
	}); n > 1 {
		t.Errorf("the worker lost its proxy %d times", n)
	}
}
