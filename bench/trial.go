package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A trial is one proxy with its workers and its load. What it starts ends with it.
type trial struct {
	ctx     context.Context
	dir     string // of the compiled programs
	seconds float64
	singles int // of the churn measurements

	frontend string // where load connects
	backend  string // where workers connect, or bind when there is no DEALER port
	bind     bool
	proxy    *process // nil without one
	started  []*process
	failed   error // to start something; every later step says so
}

// open starts a side's proxy and waits until it listens.
func (t *trial) open(on side, command []string) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	t.frontend, t.backend = "tcp://"+ports[0], "tcp://"+ports[1]
	switch on {
	case direct:
		t.frontend, t.bind = t.backend, true
		return nil
	case relay:
		t.bind = true
		command, err = t.haproxy(ports[0], ports[1])
		if err != nil {
			return err
		}
		ports = ports[:1]
	case baseline:
		command = []string{filepath.Join(t.dir, "zmq_proxy"), "{fe}", "{be}"}
	}
	fill := strings.NewReplacer("{fe}", t.frontend, "{be}", t.backend)
	argv := make([]string, len(command))
	for i, word := range command {
		argv[i] = fill.Replace(word)
	}
	t.proxy = t.command(argv)
	if t.failed == nil {
		t.failed = t.listens(ports)
	}
	return t.failed
}

// haproxy is the command of a relay from one port to the other.
func (t *trial) haproxy(from, to string) ([]string, error) {
	config := filepath.Join(t.dir, "haproxy.cfg")
	text := fmt.Sprintf("global\n nbthread 1\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"+
		"listen relay\n bind %s\n server worker %s\n", from, to)
	return []string{"haproxy", "-db", "-f", config}, os.WriteFile(config, []byte(text), 0o600)
}

// freePorts are addresses on which nobody listens.
func freePorts(n int) (free []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // at the end, so that all are different
		free = append(free, l.Addr().String())
	}
	return free, nil
}

// listens waits until the proxy accepts connections.
func (t *trial) listens(ports []string) error {
	for _, port := range ports {
		for {
			conn, err := net.Dial("tcp", port)
			if err == nil {
				_ = conn.Close()
				break
			}
			select {
			case <-t.proxy.ended:
				return t.blame(errors.New("it ended before it listened"))
			case <-t.ctx.Done():
				return fmt.Errorf("nobody listens on %s: %w", port, t.ctx.Err())
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	return nil
}

// start runs one of the compiled programs.
func (t *trial) start(program string, args ...any) *process {
	argv := []string{filepath.Join(t.dir, program)}
	for _, a := range args {
		argv = append(argv, fmt.Sprint(a))
	}
	return t.command(argv)
}

func (t *trial) command(argv []string) *process {
	p, err := launch(argv, t.dir)
	if err != nil {
		t.failed = errors.Join(t.failed, err)
	}
	t.started = append(t.started, p)
	return p
}

// run runs a program to its end and reads the figures that it prints.
func (t *trial) run(program string, args ...any) (figures, error) {
	p := t.start(program, args...)
	if t.failed != nil {
		return nil, t.failed
	}
	return p.figures(t.ctx)
}

// work starts n workers that take so long over every so-manieth request.
func (t *trial) work(n int, slow time.Duration, every int) (workers []*process) {
	how := "connect"
	if t.bind {
		how = "bind"
	}
	for range n {
		workers = append(workers, t.start("worker", how, t.backend, slow.Microseconds(), every))
	}
	return workers
}

func (t *trial) closed(clients, window, bytes int) (figures, error) {
	return t.run("closed", t.frontend, clients, window, t.seconds, bytes)
}

// withCPU adds what the proxy used for each request of a load.
func (t *trial) withCPU(load func() (figures, error)) (figures, error) {
	before := t.proxy.cpu()
	f, err := load()
	if err == nil {
		f["cpu"] = (t.proxy.cpu() - before).Seconds() * 1e6 / f["total"]
	}
	return f, err
}

// pause lets a load settle, or a span of time be measured.
func (t *trial) pause(s float64) {
	select {
	case <-time.After(seconds(s)):
	case <-t.ctx.Done():
	}
}

// blame adds what the proxy said before it died, if it did, to an error.
func (t *trial) blame(err error) error {
	if t.proxy == nil {
		return err
	}
	select {
	case <-t.proxy.ended:
		return fmt.Errorf("%w; the proxy has ended: %w", err, t.proxy.failure())
	default:
		return err
	}
}

// end kills all that was started, last first.
func (t *trial) end() {
	for i := len(t.started) - 1; i >= 0; i-- {
		t.started[i].kill()
	}
}
