package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/workerkit/control"
)

// stateVariable names a folder through which a test and its workers speak: a worker is ready unless there is a file "unready", whose text
// is the reason, and alive unless there is a file "dead"; it leaves a file "drained" when its Drain is called.
const stateVariable = "LAUNCH_TEST_STATE"

func inState(name string) string { return filepath.Join(os.Getenv(stateVariable), name) }

// connect opens a lane as the fake proxy wants it: see fakeProxy.
func connect(backend, line string) net.Conn {
	e, err := endpoint.Parse(backend)
	if err != nil {
		fail(err)
	}
	network, address := e.Transport, strings.TrimPrefix(e.String(), "tcp://")
	if e.Transport == endpoint.IPC {
		network, address = "unix", e.Path
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		fail(err)
	}
	if _, err := fmt.Fprintln(conn, line); err != nil {
		fail(err)
	}
	return conn
}

// stay connects and connects again, as ZeroMQ sockets do, for ever.
func stay(backend, line string) {
	for {
		conn := connect(backend, line)
		_, _ = conn.Read(make([]byte, 1))
		_ = conn.Close()
		time.Sleep(10 * time.Millisecond)
	}
}

func commandMain() {
	line := "-"
	for _, word := range os.Args[2:] {
		switch word {
		case "ignore-term":
			signal.Ignore(unix.SIGTERM)
		case "grandchild": // the one that connects, in the same group
			spawnSelf("command")
			time.Sleep(time.Hour)
		case "session": // the one that connects, in a session of its own
			cmd := exec.Command(os.Args[0], "command")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
			if err := cmd.Start(); err != nil {
				fail(err)
			}
			time.Sleep(time.Hour)
		default:
			line += " " + word
		}
	}
	stay(os.Getenv(control.EnvBackend), line)
}

// stubbornMain is a child that SIGTERM does not end.
func stubbornMain() {
	signal.Ignore(unix.SIGTERM)
	time.Sleep(time.Hour)
}

// daemonMain is what nobody ends but the test, or time.
func daemonMain() {
	if err := os.WriteFile(inState("daemon"), fmt.Append(nil, os.Getpid()), 0o600); err != nil {
		fail(err)
	}
	time.Sleep(time.Minute)
}

// spawnSelf starts the test binary in another mode. It inherits everything.
func spawnSelf(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), modeVariable+"=")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fail(err)
	}
	return cmd
}

// report is what a process says about how it was started.
type report struct {
	Pdeathsig int32             `json:"pdeathsig"`
	Pgid      int               `json:"pgid"`
	Pid       int               `json:"pid"`
	Dir       string            `json:"dir"`
	Fds       map[string]string `json:"fds"`
	Env       map[string]string `json:"env"`
}

// reportOf describes the calling process. The descriptors of Go's runtime are left out: epoll, eventfd, its cgroup's limits.
func reportOf() report {
	r := report{Pgid: unix.Getpgrp(), Pid: os.Getpid(), Fds: map[string]string{}, Env: map[string]string{}}
	if err := unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&r.Pdeathsig)), 0, 0, 0); err != nil {
		fail(err)
	}
	r.Dir, _ = os.Getwd()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		fail(err)
	}
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !ofRuntime(to) {
			r.Fds[e.Name()], _, _ = strings.Cut(to, ":")
		}
	}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		r.Env[name] = value
	}
	return r
}

func ofRuntime(to string) bool {
	return strings.HasPrefix(to, "anon_inode:") || strings.HasPrefix(to, "/proc/") || strings.HasPrefix(to, "/sys/fs/cgroup/")
}

// reportMain writes its report where its argument says.
func reportMain() {
	writeReport(os.Args[2])
	time.Sleep(time.Hour)
}

func writeReport(path string) {
	b, err := json.Marshal(reportOf())
	if err == nil {
		err = os.WriteFile(path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		fail(err)
	}
}

// fakeWorker is a plugin without ZeroMQ: its lanes are the fake proxy's.
type fakeWorker struct {
	control.UnimplementedWorkerServer
	line    string // appended to the name
	onStart func()
}

func (w *fakeWorker) Start(_ context.Context, r *control.StartRequest) (*control.StartReply, error) {
	if w.onStart != nil {
		w.onStart()
	}
	lanes := max(1, int(r.Concurrency))
	for range lanes {
		go stay(r.Backends[0], strings.TrimSpace(r.Worker+" "+w.line))
	}
	return &control.StartReply{Concurrency: int32(lanes)}, nil
}

func (w *fakeWorker) Health(context.Context, *control.HealthRequest) (*control.HealthReply, error) {
	reason, err := os.ReadFile(inState("unready"))
	return &control.HealthReply{Ready: err != nil, Reason: string(reason)}, nil
}

func (w *fakeWorker) Alive(context.Context, *control.AliveRequest) (*control.AliveReply, error) {
	reason, err := os.ReadFile(inState("dead"))
	return &control.AliveReply{Alive: err != nil, Reason: string(reason)}, nil
}

func (w *fakeWorker) Drain(context.Context, *control.DrainRequest) (*control.DrainReply, error) {
	return &control.DrainReply{}, os.WriteFile(inState("drained"), nil, 0o600)
}

func serve(w control.WorkerServer) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: control.Handshake,
		Plugins:         control.Plugins(w),
		GRPCServer:      plugin.DefaultGRPCServer,
	})
}

// pluginMain is a plugin that does as it should: SIGTERM ends it with status 0.
func pluginMain() {
	if os.Getenv(stateVariable) != "" {
		writeReport(inState("report"))
	}
	exitOnTerm()
	serve(&fakeWorker{})
}

func exitOnTerm() {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, unix.SIGTERM)
	go func() {
		<-terminated
		os.Exit(0)
	}()
}
