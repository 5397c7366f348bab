package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
)

// The rows of docs/delivery.md about workers, each from both sides: what the client sees, and what the operator sees in `zfleet ps -o json`
// and in the log.

// misbehaving is so many plugins that do as they are told, one request at a time, and more of the service's file.
func misbehaving(count int, more string) string {
	return fmt.Sprintf("plugin = \"misbehave\"\ncount = %d\nconcurrency = 1\n%s", count, more)
}

// counted waits for the service's counters to be these. They are the proxy's, and may be a turn behind the reply.
func (f *fleet) counted(t *testing.T, want admin.Counters) {
	t.Helper()
	f.until(t, fmt.Sprintf("the counters %+v", want), func(s admin.Service) bool { return s.Counters == want })
}

// restarted waits until all workers are ready after so many restarts, and all requests have an outcome.
func (f *fleet) restarted(t *testing.T, times int) {
	t.Helper()
	f.until(t, itoa(times)+" restarts", func(s admin.Service) bool {
		restarts := 0
		for _, w := range s.Workers {
			restarts += w.Restarts
		}
		return isUp(s) && restarts == times
	})
}

func TestAnswered(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	c := f.connect(t, zmq4.REQ)
	send(t, c, "echo hello", "", "more")
	expect(t, c, "hello", "", "more")
	f.until(t, "it to be counted at its worker", func(s admin.Service) bool {
		return s.Workers[0].Answered == 1 && s.Workers[0].Inflight == 0
	})
	f.counted(t, admin.Counters{Requests: 1, Replies: 1})
}

func TestWorkerDiesBeforeItAnswers(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(2, ""))
	c := f.connect(t, zmq4.REQ)
	send(t, c, "sleep 500ms")
	victim := f.busy(t)
	if err := syscall.Kill(victim.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "slept 500ms")
	f.restarted(t, 1)
	f.counted(t, admin.Counters{Requests: 1, Replies: 1, Redelivered: 1})
	f.logged(t, victim.Name, `"event":"exited"`, "SIGKILL")
}

// busy waits for a worker that has a request.
func (f *fleet) busy(t *testing.T) (worker admin.Worker) {
	t.Helper()
	f.until(t, "a worker to have a request", func(s admin.Service) bool {
		for _, w := range s.Workers {
			if w.Inflight > 0 {
				worker = w
			}
		}
		return worker.Inflight > 0
	})
	return worker
}

func TestWorkerDiesAfterItAnswered(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	c := f.connect(t, zmq4.DEALER)
	send(t, c, "", "pid")
	reply := receive(t, c)
	f.counted(t, admin.Counters{Requests: 1, Replies: 1})
	w := f.worker(t, 0)
	if err := syscall.Kill(w.Pid, syscall.SIGKILL); err != nil || reply[1] != itoa(w.Pid) {
		t.Fatalf("got %q of worker %d: %v", reply, w.Pid, err)
	}
	f.restarted(t, 1)
	send(t, c, "", "echo next")
	expect(t, c, "", "next")
	f.counted(t, admin.Counters{Requests: 2, Replies: 2})
}

// A worker that hangs once: the request is answered by another one, and the hung one is replaced.
func TestWorkerTakesTooLong(t *testing.T) {
	t.Parallel()
	f := up(t, command(2, "exec "+os.Args[0])+"[service.echo.delivery]\ntimeout = \"500ms\"\n")
	c := f.connect(t, zmq4.REQ)
	hung := filepath.Join(t.TempDir(), "hung")
	send(t, c, hangOnce, hung)
	expect(t, c, hangOnce, hung)
	f.restarted(t, 1)
	f.counted(t, admin.Counters{Requests: 1, Replies: 1, Redelivered: 1})
	f.logged(t, "set a worker aside", "a request is past its timeout of 500ms")
}

// A worker that zfleet did not start hangs for much longer than the timeout, at first alone, so that nobody else can be given the request,
// and then beside one that works. The request is answered, and the worker gets nothing until it wakes. Its connection stays all the while.
func TestForeignWorkerTakesTooLong(t *testing.T) {
	t.Parallel()
	const timeout = 500 * time.Millisecond
	f := up(t, command(1, "exec "+os.Args[0])+"[service.echo.delivery]\ntimeout = \"500ms\"\n")
	f.scale(t, "echo=0")
	f.foreign(t)
	f.until(t, "the foreign worker", func(s admin.Service) bool { return len(s.Foreign) == 1 })
	c := f.connect(t, zmq4.REQ)
	hung := filepath.Join(t.TempDir(), "hung")
	send(t, c, hangOnce, hung)
	peer := f.onlyForeign(t, "it to be stuck", func(l admin.Lane) bool { return l.Stuck != "" }).Peer
	silent(t, c, 4*timeout)
	f.scale(t, "echo=1")
	expect(t, c, hangOnce, hung)
	l := startLoad(t, f.frontend, 4)
	l.progress(100)
	got := f.onlyForeign(t, "it to hang", func(l admin.Lane) bool { return l.Stuck != "" })
	if got.Peer != peer || got.Answered+uint64(got.Inflight) > 0 {
		t.Errorf("a hung worker at %s has become %+v", peer, got)
	}
	if err := os.Remove(hung); err != nil {
		t.Fatal(err)
	}
	got = f.onlyForeign(t, "it to work again", func(l admin.Lane) bool { return l.Stuck == "" && l.Answered > 0 })
	if got.Peer != peer {
		t.Errorf("the worker at %s has connected again: %+v", peer, got)
	}
	l.stop()
	if s, err := f.ps(t); err != nil || s.Counters.Failed != 0 || s.Counters.Redelivered == 0 {
		t.Errorf("counters %+v: %v", s.Counters, err)
	}
	f.logged(t, `"level":"warn"`, "a worker that zfleet did not start hangs", "a request is past its timeout of 500ms")
	f.logged(t, `"level":"info"`, "a worker that was set aside has answered, and gets requests again")
}

// onlyForeign waits for the only foreign worker to be as ok says.
func (f *fleet) onlyForeign(t *testing.T, what string, ok func(admin.Lane) bool) (lane admin.Lane) {
	t.Helper()
	f.until(t, what, func(s admin.Service) bool {
		if len(s.Foreign) == 1 {
			lane = s.Foreign[0]
		}
		return len(s.Foreign) == 1 && ok(lane)
	})
	return lane
}

// silent waits for a reply that must not come yet.
func silent(t *testing.T, c *zmq4.Socket, wait time.Duration) {
	t.Helper()
	if err := c.SetRcvtimeo(wait); err != nil {
		t.Fatal(err)
	}
	if reply, err := c.RecvMessage(0); err == nil {
		t.Fatalf("got %q too early", reply)
	}
	if err := c.SetRcvtimeo(patience); err != nil {
		t.Fatal(err)
	}
}

// A worker that hands back the token and nothing else has not answered, and will not: it is hung up on.
func TestWorkerAnswersNothing(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	f.scale(t, "echo=0")
	c := f.connect(t, zmq4.REQ)
	send(t, c, "echo hello")
	worker := plug(t, zmq4.DEALER, f.backend)
	token := receive(t, worker)[0]
	send(t, worker, token)
	f.logged(t, `"level":"warn"`, "closed a connection", "a reply came back in another envelope than its request's")
	if err := worker.Close(); err != nil {
		t.Fatal(err)
	}
	f.scale(t, "echo=1")
	expect(t, c, "hello")
	if s, err := f.ps(t); err != nil || s.Counters.Redelivered == 0 || s.Counters.Replies != 1 || s.Counters.Failed != 0 {
		t.Errorf("counters %+v: %v", s.Counters, err)
	}
}

func TestAttemptsUsedUp(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(2, "[service.echo.restart]\ndelay = \"10ms\"\n[service.echo.delivery]\nattempts = 3\n"))
	if e := failed(t, f.request(t, "kill")); e.Code != "UNAVAILABLE" || e.Attempts != 3 {
		t.Errorf("the client got %+v", e)
	}
	f.restarted(t, 3)
	f.counted(t, admin.Counters{Requests: 1, Replies: 1, Redelivered: 2, Failed: 1, Dead: 1})
}

// A client that got an error at the deadline gets no reply when the worker has finished.
func TestNoReplyAfterTheDeadline(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, "[service.echo.delivery]\ndeadline = \"400ms\"\n"))
	c := f.connect(t, zmq4.DEALER)
	send(t, c, "", "hang 1s")
	if e := failed(t, receive(t, c)); e.Code != "DEADLINE_EXCEEDED" {
		t.Errorf("the client got %+v", e)
	}
	f.until(t, "the worker to finish", func(s admin.Service) bool { return s.Workers[0].Inflight == 0 && s.Workers[0].Answered == 1 })
	send(t, c, "", "echo next")
	expect(t, c, "", "next")
	f.restarted(t, 0)
	f.counted(t, admin.Counters{Requests: 2, Replies: 2, Failed: 1})
}

func TestRequestThatHangsOnce(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, "[service.echo.delivery]\nredeliver = \"never\"\ntimeout = \"300ms\"\n"))
	if e := failed(t, f.request(t, "hang")); e.Code != "ABORTED" || e.Attempts != 1 {
		t.Errorf("the client got %+v", e)
	}
	f.restarted(t, 1)
	f.counted(t, admin.Counters{Requests: 1, Replies: 1, Failed: 1, Dead: 1})
}

func TestHandlerFails(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	if e := failed(t, f.request(t, "error NOT_FOUND no such user")); e.Code != "NOT_FOUND" || e.Message != "no such user" {
		t.Errorf("the client got %+v", e)
	}
	if e := failed(t, f.request(t, "panic")); e.Code != "INTERNAL" || strings.Contains(e.Message, "goroutine") {
		t.Errorf("the client got %+v", e)
	}
	f.logged(t, "as asked", "panic", "request.go")
	f.restarted(t, 0)
	f.counted(t, admin.Counters{Requests: 2, Replies: 2})
}

func TestNoWorker(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	f.scale(t, "echo=0")
	c := f.connect(t, zmq4.REQ)
	send(t, c, "echo patience")
	f.until(t, "it to wait", func(s admin.Service) bool { return s.Queued == 1 && s.Ready == 0 })
	silent(t, c, 100*time.Millisecond)
	f.scale(t, "echo=1")
	expect(t, c, "patience")
	f.counted(t, admin.Counters{Requests: 1, Replies: 1})
}
