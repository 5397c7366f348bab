package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

// What becomes of clients, requests and ports when the supervisor is killed with -9, and the next one has a proxy take over from the one that
// is left.

// surviving starts a fleet whose proxies wait for the next supervisor, and ends it with the test, whichever supervisor has it then.
func surviving(t *testing.T, grace, workers string) *fleet {
	t.Helper()
	f := upWith(t, fmt.Sprintf("orphan_grace = %q", grace), workers)
	t.Cleanup(func() { _, _ = f.zfleet(t, "down", "--now") })
	return f
}

// killSupervisor is kill -9. What is returned is the service as it was just before.
func (f *fleet) killSupervisor(t *testing.T) (before admin.Service) {
	t.Helper()
	before, err := f.ps(t)
	if err != nil {
		t.Fatal(err)
	}
	f.signal(t, syscall.SIGKILL)
	<-f.ended
	return before
}

// next starts the fleet again and waits until it has adopted the proxy, and all workers are there.
func (f *fleet) next(t *testing.T, before admin.Service) {
	t.Helper()
	f.start(t)
	f.until(t, "the next supervisor to have all", func(s admin.Service) bool { return isUp(s) && s.Proxy.State == "ready" })
	if f.logs(fmt.Sprintf("adopted proxy of echo: pid %d, ", before.Proxy.Pid)) != 1 || f.logs("not adopted") > 0 {
		t.Fatalf("the proxy %d was not adopted:\n%s", before.Proxy.Pid, f.log.String())
	}
}

// connects again and again to an endpoint. What it returns ends that, and fails if one connection was refused.
func connects(t *testing.T, endpoint string) (end func()) {
	t.Helper()
	stop, refused := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(refused)
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
			if err != nil {
				refused <- err
				return
			}
			_ = conn.Close()
		}
	}()
	return func() {
		close(stop)
		if err := <-refused; err != nil {
			t.Errorf("the port was closed: %v", err)
		}
	}
}

// Twenty times in a row, under load: no worker is left over, no port ever closed, no client loses its connection, and every request is
// answered. What ran at a worker that was killed may run twice.
func TestSupervisorKilledTwentyTimes(t *testing.T) {
	f := surviving(t, "1m", "plugin = \"misbehave\"\ncount = 3\n")
	l := startLoad(t, f.frontend, 8)
	stillOpen := connects(t, f.frontend)
	for range 20 {
		before := f.killSupervisor(t)
		f.next(t, before)
		left := append(pids(before), before.Proxy.Pid)
		await.Until(t, "what the supervisor before had to be gone", func() bool { return !slices.ContainsFunc(left, alive) })
		l.progress(50)
	}
	stillOpen()
	l.stop()
	s, err := f.ps(t)
	if err != nil || s.Queued != 0 || s.Counters.Failed != 0 || s.Counters.Dead != 0 {
		t.Errorf("%d wait, %+v, %v", s.Queued, s.Counters, err)
	}
	out, err := f.zfleet(t, "events", "-n", "all", "-o", "json")
	if n := strings.Count(string(out), `"kind":"adopted"`); err != nil || n != 20 {
		t.Errorf("%d proxies were adopted, %v", n, err)
	}
	t.Logf("%d requests, %d of them delivered more than once", l.sent.Load(), s.Counters.Redelivered)
}

// Workers that zfleet did not start go on answering while there is no supervisor.
func TestForeignWorkersServeAnOrphan(t *testing.T) {
	t.Parallel()
	f := surviving(t, "1m", "plugin = \"misbehave\"\ncount = 1\n")
	f.foreign(t)
	f.until(t, "the foreign worker", func(s admin.Service) bool { return len(s.Foreign) == 1 })
	l := startLoad(t, f.frontend, 4)
	before := f.killSupervisor(t)
	await.Until(t, "the fleet's own worker to be gone", func() bool { return !slices.ContainsFunc(pids(before), alive) })
	l.progress(500)
	f.next(t, before)
	l.progress(100)
	l.stop()
	f.until(t, "the foreign worker to be known as one", func(s admin.Service) bool { return len(s.Foreign) == 1 && s.Foreign[0].Answered >= 500 })
}

// An orphan that nobody adopts ends by itself: what a worker has is answered, what waits gets an error reply, and nothing is left.
func TestOrphanThatNobodyAdopts(t *testing.T) {
	t.Parallel()
	f := surviving(t, "500ms", misbehaving(1, "[service.echo.delivery]\nprefetch = 1\n"))
	waits := f.connect(t, zmq4.REQ)
	send(t, waits, "sleep 1h")
	f.busy(t)
	before := f.killSupervisor(t)
	late := f.connect(t, zmq4.REQ) // it can still connect
	send(t, late, "echo late")
	for _, c := range []*zmq4.Socket{waits, late} {
		if e := failed(t, receive(t, c)); e.Code != "UNAVAILABLE" {
			t.Errorf("the client got %+v", e)
		}
	}
	await.Until(t, "the proxy to end", func() bool { return !alive(before.Proxy.Pid) })
	if f.open() {
		t.Error("the port is open")
	}
	run := strings.TrimSuffix(f.client.Socket(), "admin.sock")
	if _, err := os.Lstat(run + "echo.proxy.sock"); err == nil {
		t.Error("its control socket is left")
	}
	f.start(t)
	f.until(t, "another fleet", isUp)
	if f.logs("adopted") > 0 {
		t.Errorf("something was adopted:\n%s", f.log.String())
	}
	f.ask(t, "again")
}

// What a worker has when nobody comes is still answered.
func TestOrphanAnswersWhatWorkersHave(t *testing.T) {
	t.Parallel()
	f := surviving(t, "300ms", misbehaving(1, ""))
	f.foreign(t)
	f.until(t, "the foreign worker", func(s admin.Service) bool { return len(s.Foreign) == 1 })
	before := f.killSupervisor(t)
	await.Until(t, "the fleet's own worker to be gone", func() bool { return !slices.ContainsFunc(pids(before), alive) })
	c, folder := f.connect(t, zmq4.REQ), filepath.Join(t.TempDir(), "hangs")
	send(t, c, hangOnce, folder)
	await.Until(t, "the worker to have the request", func() bool { _, err := os.Lstat(folder); return err == nil })
	await.Until(t, "the port to be closed", func() bool { return !f.open() })
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	expect(t, c, hangOnce, folder)
	await.Until(t, "the proxy to end", func() bool { return !alive(before.Proxy.Pid) })
}
