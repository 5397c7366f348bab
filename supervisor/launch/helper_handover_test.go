package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/internal/passfd"
	"github.com/zfleet/zfleet/proxy/control"
)

// What a fake proxy does when it is told to take over, as its --error-reply says; anything else: it takes over.
const (
	refusesToTakeOver = "refuses to take over"
	hangsTakingOver   = "hangs taking over"
	hangsAnswering    = "hangs answering" // whoever asks it
)

// argument is the value of a flag, "" if it is not given.
func argument(name string) string {
	at := slices.Index(os.Args, name)
	if at < 0 || at+1 >= len(os.Args) {
		return ""
	}
	return os.Args[at+1]
}

// endWithSupervisor ends a proxy whose supervisor is gone, when its time is over.
func endWithSupervisor() {
	fd, err := strconv.Atoi(os.Getenv(control.EnvLifeline))
	if err != nil {
		return // it never had one
	}
	_, _ = os.NewFile(uintptr(fd), "lifeline").Read(make([]byte, 1))
	grace, err := time.ParseDuration(argument("--orphan-grace"))
	if err != nil {
		fail(err)
	}
	time.Sleep(grace)
	os.Exit(0)
}

// listenControl serves at a path where another proxy may serve until then.
func listenControl(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path+".new")
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	return l, os.Rename(path+".new", path)
}

func (p *fakeProxy) listener(port string, fd int) control.Listener {
	flag := argumentsOf("--" + port)[len(slices.Collect(p.ofPort(port)))]
	bound, err := endpoint.Parse(flag)
	if err != nil {
		fail(err)
	}
	return control.Listener{Port: port, Handed: endpoint.Handed{Asked: bound, Bound: bound}, FD: fd}
}

func (p *fakeProxy) ofPort(port string) func(func(control.Listener) bool) {
	return func(yield func(control.Listener) bool) {
		for _, l := range p.listeners {
			if l.Port == port && !yield(l) {
				return
			}
		}
	}
}

func argumentsOf(name string) (all []string) {
	for i, arg := range os.Args[:len(os.Args)-1] {
		if arg == name {
			all = append(all, os.Args[i+1])
		}
	}
	return all
}

func (p *fakeProxy) giveListeners(w http.ResponseWriter, r *http.Request) {
	conn, err := control.Accepted(w, r)
	if err != nil {
		return
	}
	_ = control.SendListeners(conn, p.listeners)
	_ = conn.Close()
}

// handOver gives all lanes away, and ends when the other one has them.
func (p *fakeProxy) handOver(w http.ResponseWriter, r *http.Request) {
	conn, err := control.Accepted(w, r)
	if err != nil {
		return
	}
	p.mu.Lock() // for good, if it comes to that
	lanes, fds := []control.Lane{}, []int{}
	for id, lane := range p.lanes {
		file, err := p.conns[id].(interface{ File() (*os.File, error) }).File()
		if err != nil {
			fail(err)
		}
		lanes, fds = append(lanes, *lane), append(fds, int(file.Fd()))
	}
	err = errors.Join(json.NewEncoder(conn).Encode(lanes), passfd.Send(conn, fds))
	if n, _ := conn.Read(make([]byte, 1)); err == nil && n == 1 {
		os.Exit(0)
	}
	p.mu.Unlock()
}

// takeOver gets all lanes of the proxy at path.
func (p *fakeProxy) takeOver(path string) {
	switch argument("--error-reply") {
	case refusesToTakeOver:
		fail(errors.New(refusesToTakeOver))
	case hangsTakingOver:
		select {}
	}
	conn, err := control.Dial(path).Upgrade(context.Background(), control.PathHandover, struct{}{})
	if err != nil {
		fail(err)
	}
	lanes, err := receiveLanes(conn)
	if err != nil {
		fail(err)
	}
	fds, err := passfd.Receive(conn, len(lanes))
	if err != nil {
		fail(err)
	}
	for i, lane := range lanes {
		worker, err := net.FileConn(os.NewFile(uintptr(fds[i]), "lane"))
		if err != nil {
			fail(err)
		}
		p.lanes[lane.ID], p.conns[lane.ID] = &lane, worker
		p.next = max(p.next, lane.ID)
		go p.follow(&lane, worker)
	}
	if _, err := conn.Write([]byte("!")); err != nil {
		fail(err)
	}
}

// receiveLanes reads a line, byte by byte: descriptors follow it.
func receiveLanes(conn *net.UnixConn) (lanes []control.Lane, err error) {
	var line []byte
	for b := make([]byte, 1); b[0] != '\n'; line = append(line, b[0]) {
		if _, err := conn.Read(b); err != nil {
			return nil, fmt.Errorf("cannot read the lanes: %w", err)
		}
	}
	return lanes, json.Unmarshal(line, &lanes)
}
