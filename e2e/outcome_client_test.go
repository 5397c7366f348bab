package e2e

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

// The rows of docs/delivery.md about clients and the queue, from both sides as those about workers.

// A full queue holds a client back by its own high-water mark; nothing that it sent is lost.
func TestFullQueueBlocks(t *testing.T) {
	for _, bound := range []string{"queue = 10", "queue_bytes = 1_000_000"} {
		t.Run(bound, func(t *testing.T) {
			t.Parallel()
			fullQueueBlocks(t, bound)
		})
	}
}

// fullQueueBlocks sends messages of which ten are the bound.
func fullQueueBlocks(t *testing.T, bound string) {
	f := up(t, misbehaving(1, "[service.echo.delivery]\n"+bound+"\n"))
	f.scale(t, "echo=0")
	c := f.connect(t, zmq4.DEALER,
		func(c *zmq4.Socket) error { return errors.Join(c.SetSndhwm(2), c.SetSndtimeo(500*time.Millisecond)) })
	pad := strings.Repeat(".", 100_000) // more than is read at once
	sent := 0
	for err := error(nil); err == nil; {
		if _, err = c.SendMessage("", "echo", sent, pad); err == nil {
			sent++
		} else if zmq4.AsErrno(err) != zmq4.Errno(syscall.EAGAIN) {
			t.Fatal(err)
		}
	}
	f.until(t, "the queue to be full", func(s admin.Service) bool { return s.Queued >= 10 })
	if s, err := f.ps(t); err != nil || s.Queued > 11 || s.Counters.Requests > 11 || sent <= s.Queued {
		t.Errorf("%d sent, of which %d were read and %d wait (%v)", sent, s.Counters.Requests, s.Queued, err)
	}
	f.scale(t, "echo=1")
	for i := range sent {
		expect(t, c, "", "", itoa(i), pad)
	}
	f.counted(t, admin.Counters{Requests: uint64(sent), Replies: uint64(sent)})
}

// With overflow = "reject" what a full queue does not take gets an error at once. A client with no request in the queue is always taken.
func TestFullQueueRejects(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, "[service.echo.delivery]\nqueue = 2\noverflow = \"reject\"\n"))
	f.scale(t, "echo=0")
	flood, lone := f.connect(t, zmq4.DEALER), f.connect(t, zmq4.REQ)
	for i := range 10 {
		send(t, flood, "hop", "", fmt.Sprintf("echo %d", i))
	}
	for range 8 {
		reply := receive(t, flood)
		if e := failed(t, reply); e.Code != "RESOURCE_EXHAUSTED" || len(reply) != 3 || reply[0] != "hop" {
			t.Errorf("the client got %q", reply)
		}
	}
	send(t, lone, "echo lone")
	f.until(t, "the lone request to wait", func(s admin.Service) bool { return s.Queued == 3 })
	f.counted(t, admin.Counters{Requests: 11, Replies: 8, Failed: 8, Rejected: 8})
	f.scale(t, "echo=1")
	expect(t, flood, "hop", "", "0")
	expect(t, flood, "hop", "", "1")
	expect(t, lone, "lone")
	f.until(t, "the worker to be given no more than those", func(s admin.Service) bool { return s.Workers[0].Answered == 3 })
	f.counted(t, admin.Counters{Requests: 11, Replies: 11, Failed: 8, Rejected: 8})
}

func TestClientLeavesWhileItWaits(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	f.scale(t, "echo=0")
	c := f.connect(t, zmq4.REQ)
	send(t, c, "count")
	f.until(t, "it to wait", func(s admin.Service) bool { return s.Queued == 1 && s.Clients == 1 })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	f.until(t, "it to be dropped", func(s admin.Service) bool { return s.Queued == 0 && s.Clients == 0 })
	f.scale(t, "echo=1")
	if reply := f.request(t, "count"); reply[0] != "1" {
		t.Errorf("the worker was given %s requests, want the second client's alone", reply[0])
	}
	f.counted(t, admin.Counters{Requests: 2, Replies: 1})
}

func TestClientLeavesWhileAWorkerHasIt(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	c := f.connect(t, zmq4.REQ)
	send(t, c, "sleep 300ms")
	f.busy(t)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	f.until(t, "the client to be gone and the worker to finish", func(s admin.Service) bool {
		return s.Clients == 0 && s.Workers[0].Inflight == 0 && s.Workers[0].Answered == 1
	})
	f.restarted(t, 0)
	f.counted(t, admin.Counters{Requests: 1})
}

// A client that does not read what it has asked for is hung up on; its neighbour does not notice.
func TestClientDoesNotRead(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, "[service.echo.delivery]\nclient_buffer = \"1MiB\"\n"))
	f.scale(t, "echo=0")
	ended := make(chan struct{}, 10)
	deaf := f.connect(t, zmq4.DEALER, disconnects(t, ended),
		func(c *zmq4.Socket) error { return errors.Join(c.SetRcvhwm(1), c.SetSndhwm(0), c.SetRcvbuf(64<<10)) })
	pad := strings.Repeat(".", 100_000)
	const sent = 300 // far more than the kernel holds between two processes
	for range sent {
		send(t, deaf, "", "echo", pad)
	}
	f.until(t, "all to be read", func(s admin.Service) bool { return s.Queued == sent })
	f.scale(t, "echo=1")
	f.logged(t, `"level":"warn"`, "dropped a client that does not read its replies")
	if err := deaf.SetRcvtimeo(10 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the client to see it, when it reads on", func() bool {
		_, _ = deaf.RecvMessage(0) // what had come
		return len(ended) > 0
	})
	if reply := f.request(t, "echo neighbour"); reply[0] != "neighbour" {
		t.Errorf("the neighbour got %q", reply)
	}
	f.until(t, "what it waited for to be dropped", func(s admin.Service) bool { return s.Queued == 0 })
}

// A request without delimiter is dropped, with one line in the log for all of a connection's; the connection stays.
func TestNoDelimiter(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, ""))
	ended := make(chan struct{}, 10)
	c := f.connect(t, zmq4.DEALER, disconnects(t, ended))
	for range 3 {
		send(t, c, "echo lost")
	}
	send(t, c, "", "echo found")
	expect(t, c, "", "found")
	f.logged(t, `"level":"warn"`, "without an empty delimiter frame")
	if n := f.logs("without an empty delimiter frame"); n != 1 || len(ended) != 0 {
		t.Errorf("%d lines in the log and %d disconnects, want 1 and none", n, len(ended))
	}
	f.counted(t, admin.Counters{Requests: 4, Replies: 1})
}

// The sender of a message that is too large is hung up on, and its neighbour is not.
func TestMessageTooLarge(t *testing.T) {
	t.Parallel()
	f := up(t, misbehaving(1, "[service.echo.delivery]\nmax_message = \"64KiB\"\n"))
	neighbourEnded, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	neighbour, c := f.connect(t, zmq4.REQ, disconnects(t, neighbourEnded)), f.connect(t, zmq4.REQ, disconnects(t, ended))
	send(t, c, "echo", strings.Repeat(".", 64<<10))
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the client keeps its connection")
	}
	f.logged(t, `"level":"warn"`, "closed a connection", "65536")
	send(t, neighbour, "echo neighbour")
	expect(t, neighbour, "neighbour")
	if len(neighbourEnded) != 0 {
		t.Error("the neighbour was disconnected")
	}
	f.counted(t, admin.Counters{Requests: 1, Replies: 1})
}
