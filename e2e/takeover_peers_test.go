package e2e

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
)

// line is one proxy after the other, each taking over from the one before.
type line struct {
	*process
	*control.Client
	dir, socket       string
	frontend, backend []string
}

// startLine starts the first proxy, on tcp ports of the kernel's choice and on ipc.
func startLine(t *testing.T, flags ...string) *line {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l := &line{dir: dir, socket: filepath.Join(dir, "c")}
	l.Client = control.Dial(l.socket)
	t.Cleanup(l.Close)
	l.process = l.proxy(t, flags...)
	snap := l.snapshot(t, l.process)
	l.frontend, l.backend = snap.Frontend, snap.Backend
	return l
}

// proxy starts one with the line's ports.
func (l *line) proxy(t *testing.T, flags ...string) *process {
	t.Helper()
	return start(t, nil, filepath.Join(bin, "zfleet"), append(l.args(), flags...)...)
}

func (l *line) args() []string {
	return []string{"proxy", "--frontend", "tcp://127.0.0.1:*", "--frontend", "ipc://" + l.dir + "/f",
		"--backend", "tcp://127.0.0.1:*", "--backend", "ipc://" + l.dir + "/b", "--control", l.socket}
}

// takeOver has the next proxy take over, with other flags.
func (l *line) takeOver(t *testing.T, flags ...string) {
	t.Helper()
	next := l.proxy(t, append(flags, "--take-over", l.socket)...)
	select {
	case <-l.ended:
	case <-next.ended:
		t.Fatalf("the next proxy has ended: %v", next.err)
	case <-time.After(patience):
		t.Fatal("the proxy does not end")
	}
	if l.err != nil {
		t.Errorf("the proxy that was taken over from ends with %v", l.err)
	}
	l.process = next
	l.snapshot(t, next)
}

// snapshot waits until the process answers.
func (l *line) snapshot(t *testing.T, p *process) (snap control.Snapshot) {
	t.Helper()
	await.Until(t, "the proxy to answer", func() bool {
		s, err := l.Snapshot(t.Context())
		snap = s
		return err == nil && s.Pid == p.Process.Pid
	})
	return snap
}

// crowd is clients and workers of the real libzmq that keep books of their own: each request has a name, and is to be run and answered once.
type crowd struct {
	t        *testing.T
	ended    atomic.Int64 // connections
	stopping atomic.Bool
	answered atomic.Int64
	slowest  atomic.Int64 // nanoseconds, since it was last asked for
	runs     sync.Map     // request to *atomic.Int64
	clients  sync.WaitGroup
	workers  sync.WaitGroup
	firing   chan struct{} // closed to end the workers
}

const largeEvery, largeSize = 40, 2 << 20

// gather brings up so many workers and clients, spread over the endpoints. Every fourth worker gives a name.
func gather(t *testing.T, l *line, workers, clients int) *crowd {
	t.Helper()
	c := &crowd{t: t, firing: make(chan struct{})}
	for i := range workers {
		c.workers.Go(func() { c.fail(c.worker(l.backend[i%len(l.backend)], i)) })
	}
	for i := range clients {
		c.clients.Go(func() { c.fail(c.client(l.frontend[i%len(l.frontend)], i)) })
	}
	return c
}

func (c *crowd) fail(err error) {
	if err != nil {
		c.t.Error(err)
	}
}

// plug makes a socket whose disconnections are counted.
func (c *crowd) plug(kind zmq4.Type, endpoint, name string, i int) (*zmq4.Socket, error) {
	s, err := zmq4.NewSocket(kind)
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("inproc://%s-%s-%d", c.t.Name(), kind, i)
	err = errors.Join(s.SetLinger(0), s.Monitor(at, zmq4.EVENT_DISCONNECTED))
	if name != "" {
		err = errors.Join(err, s.SetPlainUsername(name), s.SetPlainPassword("any"))
	}
	go watch(at, func() {
		if !c.stopping.Load() {
			c.ended.Add(1)
		}
	})
	return s, errors.Join(err, s.Connect(endpoint))
}

func (c *crowd) worker(endpoint string, i int) error {
	name := ""
	if i%4 == 0 {
		name = fmt.Sprintf("echo/%d#1", i)
	}
	s, err := c.plug(zmq4.REP, endpoint, name, i)
	if err == nil {
		err = s.SetRcvtimeo(50 * time.Millisecond)
	}
	for err == nil {
		var body []string
		if body, err = s.RecvMessage(0); err == nil {
			n, _ := c.runs.LoadOrStore(body[0], new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
			_, err = s.SendMessage(body)
			continue
		}
		select {
		case <-c.firing:
			return s.Close()
		default:
			err = nil
		}
	}
	return err
}

func (c *crowd) client(endpoint string, i int) error {
	s, err := c.plug(zmq4.REQ, endpoint, "", i)
	if err == nil {
		err = s.SetRcvtimeo(patience)
	}
	large := strings.Repeat("x", largeSize)
	for n := 0; err == nil && !c.stopping.Load(); n++ {
		request := []string{fmt.Sprintf("%d.%d", i, n), "small"}
		if (i+n)%largeEvery == 0 {
			request[1] = large
		}
		began := time.Now()
		if _, err = s.SendMessage(request); err != nil {
			break
		}
		reply, failed := s.RecvMessage(0)
		if failed != nil || len(reply) != 2 || reply[0] != request[0] || reply[1] != request[1] {
			return fmt.Errorf("client %d asked %s and got %.40q, %v", i, request[0], reply, failed)
		}
		c.answered.Add(1)
		c.noteSlow(time.Since(began))
		time.Sleep(5 * time.Millisecond)
	}
	return errors.Join(err, s.Close())
}

func (c *crowd) noteSlow(took time.Duration) {
	for old := c.slowest.Load(); int64(took) > old && !c.slowest.CompareAndSwap(old, int64(took)); old = c.slowest.Load() {
	}
}

// progress waits for n more replies and returns how long the slowest since the last call took.
func (c *crowd) progress(n int64) time.Duration {
	c.t.Helper()
	goal := c.answered.Load() + n
	await.Until(c.t, fmt.Sprintf("%d more replies", n), func() bool { return c.answered.Load() >= goal || c.t.Failed() })
	return time.Duration(c.slowest.Swap(0))
}

// leave ends everybody and holds the books against each other: each request was run once and answered once.
func (c *crowd) leave() (requests int64) {
	c.t.Helper()
	c.stopping.Store(true)
	c.clients.Wait()
	close(c.firing)
	c.workers.Wait()
	c.runs.Range(func(name, n any) bool {
		if times := n.(*atomic.Int64).Load(); times != 1 {
			c.t.Errorf("request %s was run %d times", name, times)
		}
		requests++
		return true
	})
	if answered := c.answered.Load(); answered != requests {
		c.t.Errorf("%d requests were run, %d answered", requests, answered)
	}
	if n := c.ended.Load(); n > 0 {
		c.t.Errorf("%d connections ended", n)
	}
	return requests
}

// established is the tcp connections that have a port of the line at one end, as the kernel lists them.
func (l *line) established(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	var ports []string
	for _, at := range []string{l.frontend[0], l.backend[0]} {
		var port int
		if _, err := fmt.Sscanf(at, "tcp://127.0.0.1:%d", &port); err != nil {
			t.Fatal(err)
		}
		ports = append(ports, fmt.Sprintf(":%04X", port))
	}
	found := map[string]bool{}
	for row := range strings.Lines(string(text)) {
		const state, isEstablished = 3, "01"
		if f := strings.Fields(row); len(f) > state && f[state] == isEstablished {
			for _, port := range ports {
				if strings.HasSuffix(f[1], port) || strings.HasSuffix(f[2], port) {
					found[f[1]+" "+f[2]] = true
				}
			}
		}
	}
	return sorted(maps.Keys(found))
}

// resident is a process's memory in bytes (proc_pid_statm(5)); 0 when it has ended.
func resident(pid int) (n int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d %d", new(int), &n)
	}
	if err != nil {
		return 0
	}
	return n * os.Getpagesize()
}
