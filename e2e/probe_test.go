package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
)

// probed is a command in Python, and probes that it answers as it should unless there is a file: then it hangs, or answers otherwise.
func probed(file, fault string) string {
	const program = `
import os, time, zmq
def hang_for_ever():
    time.sleep(600)
rep = zmq.Context().socket(zmq.REP)
rep.connect("BACKEND")
while True:
    body = rep.recv_multipart()
    if os.path.exists("FILE") and body == [b"ping"]:
        os.unlink("FILE")
        FAULT
    rep.send_multipart([b"pong"] if body == [b"ping"] else body)
`
	source := strings.NewReplacer("FILE", file, "FAULT", fault).Replace(program)
	return "command = [\"/usr/bin/python3\", \"-c\", '''" + source + "''']\nenv.PYTHONFAULTHANDLER = \"1\"\n[service.echo.health]\n" +
		"probe = \"ping\"\nreply = \"pong\"\nalive = { interval = \"100ms\", timeout = \"500ms\", failures = 2 }\n"
}

// A command that hangs is found though no client asks for anything, killed with a stack dump, and started again. Nobody's counters move.
func TestIdleCommandThatHangs(t *testing.T) {
	t.Parallel()
	hang := newSwitch(t)
	f := up(t, probed(hang.file(0), "hang_for_ever()"))
	hang.on(0)
	f.restarted(t, 1)
	f.counted(t, admin.Counters{})
	why := f.says(t, "why", "echo/0")
	for _, words := range []string{"not ready: probe failed 2/2: no reply in 500ms", "killed: probe failed 2/2: no reply in 500ms", "in hang_for_ever"} {
		if !strings.Contains(why, words) {
			t.Errorf("it does not say %q:\n%s", words, why)
		}
	}
	c := f.connect(t, zmq4.REQ)
	send(t, c, "hello")
	expect(t, c, "hello")
	f.counted(t, admin.Counters{Requests: 1, Replies: 1})
}

// One that answers something else is no better.
func TestCommandThatAnswersItsProbesWrong(t *testing.T) {
	t.Parallel()
	confused := newSwitch(t)
	f := up(t, probed(confused.file(0), "rep.send(b'oops'); rep.recv(); rep.send(b'oops'); rep.recv()"))
	confused.on(0)
	f.restarted(t, 1)
	if why := f.says(t, "why", "echo/0"); !strings.Contains(why, `probe failed 2/2: its reply is "oops"`) {
		t.Errorf("it says\n%s", why)
	}
}

// A worker that zfleet did not start gets nothing more while it does not answer its probes, and gets requests again when it does.
func TestForeignWorkerThatFailsItsProbes(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, "[service.echo.health]\nprobe = \"echo ping\"\nalive = { interval = \"100ms\", timeout = \"200ms\", failures = 2 }\n"))
	foreign := f.foreign(t)
	f.until(t, "the foreign worker", func(s admin.Service) bool { return len(s.Foreign) == 1 })
	foreign.signal(t, syscall.SIGSTOP)
	f.until(t, "it to be left alone", func(s admin.Service) bool {
		return strings.HasPrefix(s.Foreign[0].Stuck, "probe failed ") && strings.HasSuffix(s.Foreign[0].Stuck, ": no reply in 200ms")
	})
	f.logged(t, `"level":"warn"`, "a worker that zfleet did not start fails its probes", "probe failed 2/2")
	l := startLoad(t, f.frontend, 4)
	l.progress(50)
	foreign.signal(t, syscall.SIGCONT)
	f.until(t, "it to work", func(s admin.Service) bool { return s.Foreign[0].Stuck == "" && s.Foreign[0].Answered > 20 })
	l.stop()
	if s, err := f.ps(t); err != nil || s.Workers[0].Restarts != 0 || s.Counters.Redelivered+s.Counters.Failed != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Probes all the time, of workers with nothing to do and beside a load, reach no client, and none of the load's replies is taken for one.
func TestProbesBesideALoad(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(3, "[service.echo.health]\nprobe = \"echo ping\"\nreply = \"ping\"\nalive = { interval = \"10ms\", timeout = \"10s\" }\n"))
	l := startLoad(t, f.frontend, 2) // of which one asks again when it has its reply: workers are idle for a while
	l.progress(500)
	l.stop()
	s, err := f.ps(t)
	if err != nil || s.Counters.Requests != uint64(l.sent.Load()) || s.Counters.Replies != s.Counters.Requests || s.Counters.Failed != 0 {
		t.Errorf("%d were sent; %+v, %v", l.sent.Load(), s.Counters, err)
	}
	for _, w := range s.Workers {
		if w.Restarts > 0 || w.State != "ready" {
			t.Errorf("%+v", w)
		}
	}
	if n := f.logs("dropped a reply"); n > 0 {
		t.Errorf("%d replies belonged to nobody", n)
	}
}

// A reply that no worker gives does not end the service: they are killed one after the other, and the others go on.
func TestProbesThatNobodyAnswersWell(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(4, "[service.echo.health]\nprobe = \"echo ping\"\nreply = \"pong\"\n"+
		"alive = { interval = \"200ms\", failures = 2 }\n[service.echo.delivery]\nattempts = 1000\n"))
	f.until(t, "some to be killed, and others left alone", func(s admin.Service) bool {
		restarts := 0
		for _, w := range s.Workers {
			restarts += w.Restarts
		}
		return restarts >= 2 && s.Degraded != ""
	})
	c := f.connect(t, zmq4.REQ)
	for range 20 {
		send(t, c, "echo hello")
		expect(t, c, "hello")
	}
	f.logged(t, `"event":"degraded"`)
}
