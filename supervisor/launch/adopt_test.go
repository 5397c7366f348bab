package launch

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/cgroup"
	"github.com/zfleet/zfleet/internal/cgroup/cgrouptest"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// estate is what a process with a launcher that adopts says of its children, see heirMain.
type estate struct {
	Exits      map[string]int // of many short lives, how often each
	Zombies    int            // when they had all ended
	Stray      bool           // lives on, after its worker
	Bare       bool           // the same of one that has no environment
	BareParent bool           // which is this process by then
	BareAtEnd  bool           // it lives on after the launcher
}

const (
	shortLives = 60
	// Two orphans, one of which outlives the shell, and a status that nobody else has.
	leavesOrphans = "setsid sh -c 'exit 3' & setsid sh -c 'sleep 0.02; exit 5' & exit 7"
	leavesStrays  = "setsid sleep 1000 & echo $! >stray; setsid env -i sleep 1000 & echo $! >bare; mv bare bare.there; sleep 1000"
)

// heirMain is a supervisor by itself: what is adopted is the whole process's matter.
func heirMain() {
	state, exits := os.Args[2], make(chan fleet.Exited, shortLives)
	groups, err := cgroup.Take()
	if delegated := os.Args[4] != ""; delegated != (err == nil) {
		fail(fmt.Errorf("delegated %q: %w", os.Args[4], err))
	}
	l, err := New(Options{
		Spec: fleet.Spec{Services: []fleet.Service{testService(state, fleet.Workers{})}}, Self: os.Args[0], RunDir: os.Args[3],
		Log: zerolog.Nop(), Adopt: true, Cgroups: groups,
	})
	if err != nil {
		fail(err)
	}
	tell := func(e fleet.Event) {
		if e, ok := e.(fleet.Exited); ok {
			exits <- e
		}
	}
	found := estate{Exits: map[string]int{}}
	for slot := range shortLives {
		svc := testService(state, fleet.Workers{Command: []string{"sh", "-c", leavesOrphans}})
		l.Launch(fleet.Life{Service: "hello", Slot: slot, N: 1}, svc, tell)
	}
	for range shortLives {
		found.Exits[(<-exits).Exit.Reason]++
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if found.Zombies = zombies(); found.Zombies == 0 || time.Now().After(end) {
			break
		}
	}
	svc := testService(state, fleet.Workers{Command: []string{"sh", "-c", leavesStrays}, Dir: state})
	p := l.Launch(fleet.Life{Service: "hello", Slot: 0, N: 2}, svc, tell)
	bare := readPid(filepath.Join(state, "bare.there"))
	for !isCalled(bare, "sleep") { // setsid and env have to be through
		time.Sleep(10 * time.Millisecond)
	}
	stray := readPid(filepath.Join(state, "stray"))
	p.Kill()
	<-exits
	found.Stray, found.Bare = isAlive(stray), isAlive(bare)
	if stat, err := statOf(bare); err == nil && found.Bare {
		found.BareParent = stat.PPID == os.Getpid()
	}
	if err := l.Close(); err != nil {
		fail(err)
	}
	found.BareAtEnd = isAlive(bare)
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

func readPid(path string) (pid int) {
	for pid == 0 {
		text, _ := os.ReadFile(path)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		time.Sleep(5 * time.Millisecond)
	}
	return pid
}

func isCalled(pid int, name string) bool {
	stat, err := statOf(pid)
	return err == nil && stat.Comm == name
}

// zombies are the dead children of this process.
func zombies() (n int) {
	processes, err := procfs.AllProcs()
	if err != nil {
		fail(err)
	}
	for _, p := range processes {
		if stat, err := p.Stat(); err == nil && stat.PPID == os.Getpid() && stat.State == "Z" {
			n++
		}
	}
	return n
}

// Every life's own exit status arrives, and what others left behind is reaped and not waited for by anybody. A process that has left its
// worker's group ends with the worker, or, if nothing tells whose it is, with the launcher.
func TestAdoptedChildren(t *testing.T) {
	t.Parallel()
	checkEstate(t, "", estate{Exits: map[string]int{"exited with status 7": shortLives}, Bare: true, BareParent: true})
}

// Where control groups are delegated, nothing that a worker has started outlives it, whatever it did.
func TestControlGroupsOfLives(t *testing.T) {
	t.Parallel()
	delegated := cgrouptest.Delegated(t)
	lost := delegated == "" // a machine that gives none: as without
	checkEstate(t, delegated, estate{Exits: map[string]int{"exited with status 7": shortLives}, Bare: lost, BareParent: lost})
	if left, _ := filepath.Glob(filepath.Join(delegated, "hello.*")); delegated != "" && len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func checkEstate(t *testing.T, delegated string, want estate) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "heir", shortDir(t), shortDir(t), delegated)
	cmd.Stderr = os.Stderr
	cgrouptest.Enter(t, cmd, delegated)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got estate
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Without adoption too, what a worker leaves in a session of its own ends with it.
func TestStraysEndWithTheirWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{Command: []string{"sh", "-c", "setsid sleep 1000 & echo $! >$" + stateVariable + "/stray; sleep 1000"}})
	name, p := r.launch(0, 1)
	r.svc.Workers.Command = []string{"sleep", "1000"}
	other, _ := r.launch(1, 1)
	stray := readPid(filepath.Join(r.state, "stray"))
	r.pid(other)
	await.Until(t, "a session of its own", func() bool {
		stat, err := statOf(stray)
		return err == nil && stat.Session == stray
	})
	p.Stop()
	r.exit(name)
	gone(t, stray)
	if pid := r.pid(other); !isAlive(pid) {
		t.Error("another worker was taken for a stray")
	}
}

func TestStraysAreKnownByWholeVariables(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "1000")
	cmd.Env = []string{"A=hello/1#10", "B=x"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	await.Until(t, "sleep", func() bool { return isCalled(cmd.Process.Pid, "sleep") })
	for _, variables := range [][]string{{"A=hello/1#1"}, {"=x"}, {"A=hello/1#10", "C=1"}, {"a=hello/1#10"}} {
		if isStray(cmd.Process.Pid, variables) {
			t.Errorf("%v was found", variables)
		}
	}
	if !isStray(cmd.Process.Pid, []string{"B=x", "A=hello/1#10"}) {
		t.Error("it was not found")
	}
}

// What the kernel says is read at the right place on this architecture.
func TestFirstDeadIsAZombie(t *testing.T) {
	var info unix.Siginfo
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if got := pidOf(&info); got != cmd.Process.Pid {
		t.Errorf("got %d, want %d", got, cmd.Process.Pid)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
