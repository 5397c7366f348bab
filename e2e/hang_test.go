package e2e

import (
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// A request that hangs every worker it meets costs as many workers as it has attempts. They are killed and come back, its client gets an
// error, and nobody else notices more than a delay.
func TestRequestThatHangsWorkers(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\ncount = 2\n[service.echo.delivery]\ntimeout = \"300ms\"\nattempts = 3\n")
	l := startLoad(t, f.frontend, 4)
	reply := f.request(t, "hang")
	if text := strings.Join(reply, ""); !strings.Contains(text, `"code":"UNAVAILABLE"`) || !strings.Contains(text, `"attempts":3`) {
		t.Errorf("got %q", reply)
	}
	f.until(t, "all workers to be back", func(s admin.Service) bool {
		return s.Ready == 2 && s.Workers[0].Restarts+s.Workers[1].Restarts == 3
	})
	l.progress(50)
	l.stop()
	letter := f.complete(t, 1)[0]
	for _, a := range letter.Attempts {
		dump := strings.Join(a.Exit.LastLines, "\n")
		if a.Exit.Reason != "killed: a request is past its timeout of 300ms" || !strings.Contains(dump, "main.idle") {
			t.Errorf("%s: %s, last lines:\n%s", a.Worker, a.Exit.Reason, dump)
		}
	}
	why := f.says(t, "why", "echo")
	_, dump, _ := strings.Cut(why, "its stack dump on SIGQUIT:\n    | ")
	if !strings.HasPrefix(dump, "SIGQUIT: quit\n") || !strings.Contains(dump, "main.idle") || strings.Contains(dump, "| rip ") {
		t.Errorf("why says\n%s", why)
	}
	for _, line := range []string{"SIGQUIT: quit", "main.idle"} {
		if !strings.Contains(f.log.String(), line) {
			t.Errorf("the log has no %q", line)
		}
	}
}

// A command in Python leaves the stacks of its threads.
func TestHungCommandLeavesAStackDump(t *testing.T) {
	t.Parallel()
	f := up(t, "command = [\"/usr/bin/python3\", \"-c\", '''"+hangingWorker+"''']\nenv.PYTHONFAULTHANDLER = \"1\"\n[service.echo.delivery]\ntimeout = \"300ms\"\nattempts = 1\n")
	if reply := strings.Join(f.request(t, "hello"), ""); !strings.Contains(reply, `"code":"UNAVAILABLE"`) {
		t.Errorf("got %q", reply)
	}
	exit := f.complete(t, 1)[0].Attempts[0].Exit
	dump := strings.Join(exit.LastLines, "\n")
	if exit.Signal != "SIGABRT" || !strings.Contains(dump, "Fatal Python error: Aborted") || !strings.Contains(dump, "in handle_for_ever") {
		t.Errorf("exit %+v", exit)
	}
	f.until(t, "the worker to be back", func(s admin.Service) bool { return isUp(s) && s.Workers[0].Restarts == 1 })
}

// hangingWorker is a REP program that never answers.
const hangingWorker = `
import time, zmq
def handle_for_ever():
    time.sleep(600)
rep = zmq.Context().socket(zmq.REP)
rep.connect("BACKEND")
rep.recv()
handle_for_ever()
`
