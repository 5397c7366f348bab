package launch

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/control"
)

// fakeProxy serves the control API of a proxy. A worker connects to a backend listener and sends one line: its name, or - if it does not
// say, and perhaps the word busy. Its lane is up until it hangs up, and a busy one is never drained. At SIGUSR1 all busy lanes are stuck,
// at SIGUSR2 all lanes fail their probes, or are well again.
// helper_handover_test.go has how it takes over from another one.
type fakeProxy struct {
	mu      sync.Mutex
	changed *sync.Cond
	lanes   map[uint64]*control.Lane
	conns   map[uint64]net.Conn
	held    []string
	drained map[string]bool
	next    uint64
	streams map[chan control.Event]bool

	listeners []control.Listener
}

func proxyMain() {
	p := &fakeProxy{lanes: map[uint64]*control.Lane{}, conns: map[uint64]net.Conn{}}
	p.drained, p.streams = map[string]bool{}, map[chan control.Event]bool{}
	p.changed = sync.NewCond(&p.mu)
	if path := argument("--take-over"); path != "" {
		p.takeOver(path)
	}
	for _, word := range strings.Fields(os.Getenv(control.EnvListeners)) {
		kind, fd, _ := strings.Cut(word, "=")
		number, err := strconv.Atoi(fd)
		if err != nil {
			fail(err)
		}
		file := os.NewFile(uintptr(number), word)
		defer func() { _ = file.Close() }() // or else it is closed when nobody uses it
		l, err := net.FileListener(file)
		if err != nil {
			fail(err)
		}
		p.listeners = append(p.listeners, p.listener(kind, number))
		if kind == "backend" {
			go p.serveBackend(l)
		}
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2)
	go p.serveControl()
	go endWithSupervisor()
	for sig := range signals {
		switch sig {
		case unix.SIGUSR1:
			p.stuck()
		case unix.SIGUSR2:
			p.probed()
		default:
			return
		}
	}
}

// stuck says of all busy lanes that they are stuck, as a proxy does whose workers take too long.
func (p *fakeProxy) stuck() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, lane := range p.lanes {
		if lane.Inflight > 0 {
			lane.Stuck = "a request is past its timeout of 30s"
			p.tell(control.Event{Kind: control.LaneStuck, Lane: *lane, Reason: lane.Stuck})
		}
	}
}

func (p *fakeProxy) probed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, lane := range p.lanes {
		if lane.Unfit == "" {
			p.tell(control.Event{Kind: control.ProbeFailed, Lane: *lane, Reason: "probe failed 1/2: no reply in 1s"})
			lane.Unfit = "probe failed 2/2: no reply in 1s"
			p.tell(control.Event{Kind: control.ProbeFailed, Lane: *lane, Reason: lane.Unfit})
		} else {
			lane.Unfit = ""
			p.tell(control.Event{Kind: control.ProbeWell, Lane: *lane})
		}
	}
}

func (p *fakeProxy) serveControl() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+control.PathSnapshot, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(p.snapshot())
	})
	mux.HandleFunc("GET "+control.PathEvents, p.events)
	mux.HandleFunc("GET "+control.PathLines, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(control.Lines{Lines: []string{`{"level":"warn","message":"the supervisor is gone"}`}, Dropped: 7})
	})
	mux.HandleFunc("POST "+control.PathListeners, p.giveListeners)
	mux.HandleFunc("POST "+control.PathHandover, p.handOver)
	mux.HandleFunc("POST "+control.PathName, p.name)
	mux.HandleFunc("POST "+control.PathDrain, p.drain)
	mux.HandleFunc("POST "+control.PathHold, p.hold)
	mux.HandleFunc("POST "+control.PathQuiesce, func(http.ResponseWriter, *http.Request) {
		p.when(func() bool { return !p.busy("") })
	})
	l, err := listenControl(argument("--control"))
	if err != nil {
		fail(err)
	}
	if argument("--error-reply") == hangsAnswering {
		select {}
	}
	fail(http.Serve(l, mux))
}

func (p *fakeProxy) snapshot() control.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := control.Snapshot{Pid: os.Getpid(), Frontend: os.Args[1:]}
	for _, lane := range p.lanes {
		s.Lanes = append(s.Lanes, *lane)
	}
	return s
}

func (p *fakeProxy) events(w http.ResponseWriter, r *http.Request) {
	stream := make(chan control.Event, 1000)
	p.mu.Lock()
	for _, lane := range p.lanes {
		stream <- control.Event{Kind: control.LaneUp, Lane: *lane}
	}
	stream <- control.Event{Kind: control.Listed}
	p.streams[stream] = true
	p.mu.Unlock()
	w.WriteHeader(http.StatusOK)
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case e := <-stream:
			_ = json.NewEncoder(w).Encode(e)
		case <-r.Context().Done():
			return
		}
	}
}

func (p *fakeProxy) name(_ http.ResponseWriter, r *http.Request) {
	var n control.Name
	_ = json.NewDecoder(r.Body).Decode(&n)
	p.mu.Lock()
	defer p.mu.Unlock()
	if lane := p.lanes[n.Lane]; lane != nil {
		lane.Worker = n.Worker
	}
}

func (p *fakeProxy) drain(_ http.ResponseWriter, r *http.Request) {
	var d control.Drain
	_ = json.NewDecoder(r.Body).Decode(&d)
	p.when(func() bool { return !p.busy(d.Worker) })
}

func (p *fakeProxy) hold(_ http.ResponseWriter, r *http.Request) {
	var h control.Hold
	_ = json.NewDecoder(r.Body).Decode(&h)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = h.Workers
	for _, lane := range p.lanes {
		lane.OnHold = slices.Contains(p.held, lane.Worker)
	}
}

// busy says whether a worker, or any for "", holds requests.
func (p *fakeProxy) busy(worker string) bool {
	for _, lane := range p.lanes {
		if lane.Inflight > 0 && (worker == "" || lane.Worker == worker) {
			return true
		}
	}
	return false
}

func (p *fakeProxy) when(cond func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !cond() {
		p.changed.Wait()
	}
}

func (p *fakeProxy) serveBackend(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			fail(err)
		}
		go p.serveLane(conn)
	}
}

func (p *fakeProxy) serveLane(conn net.Conn) {
	lines := bufio.NewScanner(conn)
	if !lines.Scan() {
		_ = conn.Close()
		return
	}
	words := strings.Fields(lines.Text())
	lane := &control.Lane{Since: time.Now()}
	if words[0] != "-" {
		lane.Worker = words[0]
	}
	if slices.Contains(words, "busy") {
		lane.Inflight = 1
	}
	if u, ok := conn.(*net.UnixConn); ok {
		lane.Pid = peerPid(u)
	}
	p.laneUp(lane, conn)
	p.follow(lane, conn)
}

// follow waits for a lane's worker to hang up.
func (p *fakeProxy) follow(lane *control.Lane, conn net.Conn) {
	_, _ = io.Copy(io.Discard, conn)
	p.laneDown(lane)
}

func (p *fakeProxy) laneUp(lane *control.Lane, conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	lane.ID = p.next
	lane.OnHold = slices.Contains(p.held, lane.Worker)
	p.lanes[lane.ID], p.conns[lane.ID] = lane, conn
	p.tell(control.Event{Kind: control.LaneUp, Lane: *lane})
}

func (p *fakeProxy) laneDown(lane *control.Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lanes[lane.ID] != nil {
		p.forget(lane)
	}
}

// forget hangs up. The caller holds the lock.
func (p *fakeProxy) forget(lane *control.Lane) {
	_ = p.conns[lane.ID].Close()
	delete(p.lanes, lane.ID)
	delete(p.conns, lane.ID)
	p.changed.Broadcast()
	p.tell(control.Event{Kind: control.LaneDown, Lane: *lane})
}

func (p *fakeProxy) tell(e control.Event) {
	for stream := range p.streams {
		select {
		case stream <- e:
		default: // nobody reads it any more
		}
	}
}

func peerPid(conn *net.UnixConn) (pid int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		fail(err)
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}
