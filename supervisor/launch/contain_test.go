package launch

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	proxy "github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
	"github.com/zfleet/zfleet/workerkit/control"
)

// What a process finds when it starts: no descriptor but the intended, a group of its own, a signal when the supervisor dies, and its
// identity in the environment, whatever zfleet's own environment says.
func TestWhatAWorkerFinds(t *testing.T) {
	for _, name := range ours {
		t.Setenv(name, "from another zfleet")
	}
	stray, err := unix.Open("/dev/null", unix.O_RDONLY, 0) // as a shell may have left one open for zfleet
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(stray) }()
	dir := shortDir(t)
	r := newRig(t, asCommand("report", filepath.Join(dir, "report")))
	r.svc.Workers.Dir = dir
	r.launch(0, 1)
	rep := readReport(t, filepath.Join(dir, "report"))
	checkReport(t, r, rep, map[string]string{"0": "/dev/null", "1": "pipe", "2": "pipe"})
	if rep.Dir != dir || rep.Env["PWD"] != dir {
		t.Errorf("it runs in %s, PWD is %s", rep.Dir, rep.Env["PWD"])
	}
	if want := listener(r.home, "backend", 1).Bound().String(); rep.Env[control.EnvBackend] != want || !strings.HasPrefix(want, "ipc://") {
		t.Errorf("it is to connect to %s, want %s", rep.Env[control.EnvBackend], want)
	}
	if _, has := rep.Env[control.EnvLifeline]; has {
		t.Error("a plain command has a lifeline, which it would not know how to use")
	}

	r.svc.Workers = testService(r.state, asPlugin("plugin")).Workers
	r.launch(1, 1)
	rep = readReport(t, filepath.Join(r.state, "report"))
	checkReport(t, r, rep, map[string]string{"0": "/dev/null", "1": "pipe", "2": "pipe", "3": "pipe"})
	foreign := rep.Env[proxy.EnvSecret] + rep.Env[proxy.EnvListeners] + rep.Env[control.EnvBackend]
	if rep.Env[control.EnvLifeline] != "3" || foreign != "" {
		t.Errorf("environment: %v", rep.Env)
	}
}

func checkReport(t *testing.T, r *rig, rep report, fds map[string]string) {
	t.Helper()
	if rep.Pdeathsig != int32(unix.SIGTERM) || rep.Pgid != rep.Pid {
		t.Errorf("parent-death signal %d, group %d of process %d", rep.Pdeathsig, rep.Pgid, rep.Pid)
	}
	if !maps.Equal(rep.Fds, fds) {
		t.Errorf("descriptors: %v, want %v", rep.Fds, fds)
	}
	if !strings.HasPrefix(rep.Env[control.EnvWorker], "hello/") || rep.Env[control.EnvService] != "hello" {
		t.Errorf("environment: %v", rep.Env)
	}
}

// supervisorMain runs a launcher until it is killed. It prints the pids of all that it has started, one line of JSON.
func supervisorMain() {
	state, runDir := os.Args[2], os.Args[3]
	svc := testService(state, fleet.Workers{})
	l, err := New(Options{Spec: fleet.Spec{Services: []fleet.Service{svc}}, Self: os.Args[0], RunDir: runDir, Log: zerolog.Nop()})
	if err != nil {
		fail(err)
	}
	pids := make(chan int)
	tell := func(e fleet.Event) {
		if e, ok := e.(fleet.Launched); ok {
			pids <- e.Pid
		}
	}
	all := []int{l.keeper.guard.Process.Pid}
	for slot, workers := range []fleet.Workers{{}, asPlugin("plugin"), asPlugin("ignore-term"), asCommand("command", "grandchild"),
		asPlugin("lifeline"), {Command: []string{"sh", "-c", "trap '' TERM; setsid sleep 1000 & echo $! >$" + stateVariable + "/stray; sleep 1000 & sleep 1000"}}} {
		l.Launch(fleet.Life{Service: "hello", Slot: slot - 1, N: 1}, testService(state, workers), tell)
		all = append(all, <-pids)
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		fail(err)
	}
	select {}
}

// After kill -9 of the supervisor no worker is left, nor a worker's child, nor the proxy, nor the guard.
func TestKilledSupervisorLeavesNothing(t *testing.T) {
	t.Parallel()
	state := shortDir(t)
	cmd := exec.Command(os.Args[0], "supervisor", state, shortDir(t))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	if err := json.NewDecoder(out).Decode(&pids); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the shell's child", func() bool { return othersInGroup(pids[6]) })
	await.Until(t, "the command's child", func() bool { return othersInGroup(pids[4]) })
	await.Until(t, "the lifeline's plugin", func() bool { _, err := os.Stat(filepath.Join(state, "listens")); return err == nil })
	pids = append(pids, readPid(filepath.Join(state, "stray")))
	began := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, pid := range pids {
		gone(t, pid)
		await.Until(t, fmt.Sprintf("end of group %d", pid), func() bool { return !othersInGroup(pid) })
	}
	t.Logf("all gone after %v", time.Since(began))
	if _, err := os.Stat(filepath.Join(state, "eof")); err != nil {
		t.Errorf("the lifeline did not end: %v", err)
	}
}

// openFds is what the test process has open. Pipes and sockets of other tests come and go, so this is for tests that run alone.
func openFds(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all = append(all, to)
		}
	}
	slices.Sort(all)
	return all
}

// Two hundred lives later the supervisor holds as many descriptors as before.
func TestDescriptorsStayFlat(t *testing.T) {
	r := newRig(t, fleet.Workers{Command: []string{"true"}})
	r.startProxy()
	run := func(slot, lives int) {
		for n := range lives {
			name, _ := r.launch(slot, n+1)
			r.exit(name)
		}
	}
	run(0, 1)
	before := openFds(t)
	run(1, 200)
	r.svc.Workers.Command = []string{"/nowhere"}
	run(2, 20)
	r.svc.Workers = testService(r.state, asPlugin("exits")).Workers
	run(3, 5)
	r.svc.Workers = testService(r.state, asPlugin("junk")).Workers
	run(4, 3)
	r.svc.Workers = testService(r.state, asPlugin("plugin")).Workers
	for n := range 5 {
		name, p := r.launch(5, n+1)
		r.ready(name, 1)
		p.Stop()
		r.exit(name)
	}
	var after []string
	await.Until(t, "as many descriptors as before", func() bool {
		after = openFds(t)
		return len(after) <= len(before)+1 // a connection to the proxy's control socket may be open or not
	})
}
