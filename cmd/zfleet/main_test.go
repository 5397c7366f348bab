package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/zfleet/zfleet/internal/await"
	"golang.org/x/sys/unix"
)

// patience is far more than anything in a story takes on a busy machine.
const patience = 60 * time.Second

var rewrite = flag.Bool("rewrite", false, "rewrite the expected output in the stories")

// The commands that stories have beside zfleet itself: a client, and a worker that knows nothing of zfleet.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"zfleet": main,
		"call":   call,
		"rep":    rep,
		// What a service manager does.
		"manager":  manager,
		"activate": activate,
	})
}

// The stories of the CLI. Each has a run folder of its own, plugins in $PLUGINS, and ports that were free a moment ago in $PORT1 to $PORT4.
func TestScripts(t *testing.T) {
	plugins := buildPlugins(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *rewrite,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PLUGINS", plugins)
			return setup(env)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"until":  until,
			"signal": signalFleet,
			"setenv": setenv,
		},
	})
}

func buildPlugins(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-o", dir+"/", "../../plugins/hello", "../../plugins/misbehave").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot build the plugins: %v\n%s", err, out)
	}
	return dir
}

// The run folder is not below $WORK, whose path is too long for sockets.
func setup(env *testscript.Env) error {
	run, err := os.MkdirTemp("", "zf")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(run) })
	env.Setenv("XDG_RUNTIME_DIR", run)
	env.Setenv("XDG_STATE_HOME", filepath.Join(run, "state"))
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else a program built with -race takes a second to end
	ports, err := freePorts(4)
	for i, port := range ports {
		env.Setenv(fmt.Sprintf("PORT%d", i+1), fmt.Sprint(port))
	}
	env.Defer(func() { endLeftovers(run) })
	return errors.Join(err, expandFiles(env))
}

// Fleet files may name the ports and the plugins.
func expandFiles(env *testscript.Env) error {
	files, _ := filepath.Glob(filepath.Join(env.WorkDir, "*.toml"))
	deeper, _ := filepath.Glob(filepath.Join(env.WorkDir, "*", "*.toml"))
	for _, path := range append(files, deeper...) {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(os.Expand(string(text), env.Getenv)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func freePorts(n int) (ports []int, err error) {
	for range n {
		port, err := await.Port()
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// A story that failed in the middle leaves its fleets running.
func endLeftovers(run string) {
	locks, _ := filepath.Glob(filepath.Join(run, "zfleet", "*", "lock"))
	for _, lock := range locks {
		if pid := pidIn(lock); pid > 0 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

func pidIn(lock string) int {
	var who struct{ Pid int }
	if text, err := os.ReadFile(lock); err != nil || json.Unmarshal(text, &who) != nil {
		return 0
	}
	return who.Pid
}

// until REGEXP COMMAND ... runs the command until it succeeds and its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND ...")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout") + ts.ReadFile("stderr"); err == nil && pattern.MatchString(out) {
			return
		}
	}
	ts.Fatalf("it does not come about: %s\nlast:\n%s%s", args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
}

// signal FLEET NAME sends a signal to the process that runs a fleet.
func signalFleet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal FLEET SIGTERM")
	}
	pid := pidIn(filepath.Join(ts.Getenv("XDG_RUNTIME_DIR"), "zfleet", args[0], "lock"))
	sig := unix.SignalNum(args[1])
	if pid <= 0 || sig == 0 {
		ts.Fatalf("cannot send %q to fleet %s (pid %d)", args[1], args[0], pid)
	}
	ts.Check(unix.Kill(pid, sig))
}

// setenv NAME REGEXP takes the first group of the expression out of the last stdout.
func setenv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setenv NAME REGEXP")
	}
	match := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(match) != 2 {
		ts.Fatalf("%s does not match", args[1])
	}
	ts.Setenv(args[0], match[1])
}

// call ENDPOINT N [TEXT] sends N requests as a plain REQ client does, one after the other, and prints how often it got which reply.
func call() {
	replies, err := request(os.Args[1], os.Args[2], strings.Join(os.Args[3:], " "))
	if err != nil {
		fmt.Fprintln(os.Stderr, "call:", err)
		os.Exit(1)
	}
	fmt.Println(replies)
}

func request(endpoint, times, text string) (string, error) {
	n := 0
	if _, err := fmt.Sscan(times, &n); err != nil {
		return "", err
	}
	socket, err := zmq4.NewSocket(zmq4.REQ)
	if err != nil {
		return "", err
	}
	defer func() { _ = socket.Close() }()
	if err := quick(socket); err != nil {
		return "", err
	}
	if err := socket.Connect(endpoint); err != nil {
		return "", err
	}
	counts := map[string]int{}
	for range n {
		if _, err := socket.Send(text, 0); err != nil {
			return "", err
		}
		reply, err := socket.Recv(0)
		if err != nil {
			return "", err
		}
		counts[reply]++
	}
	return fmt.Sprint(counts), nil
}

func quick(socket *zmq4.Socket) error {
	if err := socket.SetRcvtimeo(patience); err != nil {
		return err
	}
	return socket.SetLinger(0)
}

// rep answers World at every endpoint in ZFLEET_BACKEND, or at those that it is given, after REP_SLEEP if that is there.
func rep() {
	endpoints := os.Args[1:]
	if len(endpoints) == 0 {
		endpoints = strings.Fields(os.Getenv("ZFLEET_BACKEND"))
	}
	if err := answer(endpoints); err != nil {
		fmt.Fprintln(os.Stderr, "rep:", err)
		os.Exit(1)
	}
}

func answer(endpoints []string) error {
	socket, err := zmq4.NewSocket(zmq4.REP)
	if err != nil {
		return err
	}
	for _, endpoint := range endpoints {
		if err := socket.Connect(endpoint); err != nil {
			return err
		}
	}
	pause, _ := time.ParseDuration(os.Getenv("REP_SLEEP"))
	for {
		if _, err := socket.Recv(0); err != nil {
			return err
		}
		time.Sleep(pause)
		if _, err := socket.Send("World", 0); err != nil {
			return err
		}
	}
}
