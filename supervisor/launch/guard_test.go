package launch

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
)

func TestGuardOrders(t *testing.T) {
	t.Parallel()
	w := &ward{groups: map[int]bool{}, proxies: map[int]int{}}
	for _, line := range []string{"add 100", "add 200", "add 200", "drop 300", "drop 100"} {
		if err := w.order(line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if !maps.Equal(w.groups, map[int]bool{200: true}) {
		t.Errorf("groups: %v", w.groups)
	}
	for _, line := range []string{"", "add", "add 0", "add 1", "add -1", "add -200", "add x", "kill 5", "add 5 6", "drop 1", "proxy 0", "patience x"} {
		if err := w.order(line); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}

// sleeper is a process group that ends at SIGTERM, or only at SIGKILL.
func sleeper(t *testing.T, ignoreTerm bool) *exec.Cmd {
	t.Helper()
	script := "sleep 1000 & echo up; wait"
	if ignoreTerm {
		script = "trap '' TERM; " + script
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// ended reaps a sleeper and says which signal ended it.
func ended(cmd *exec.Cmd) unix.Signal {
	_ = cmd.Wait()
	return cmd.ProcessState.Sys().(syscall.WaitStatus).Signal()
}

// startGuard runs a guard process. It ends when its orders are closed.
func startGuard(t *testing.T) (cmd *exec.Cmd, orders *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(os.Args[0], GuardCommand)
	cmd.Stdin, cmd.Stderr = r, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	return cmd, w
}

func TestGuardEndsWhatIsLeft(t *testing.T) {
	t.Parallel()
	const patience = 300 * time.Millisecond
	polite, stubborn := sleeper(t, false), sleeper(t, true)
	groups := map[int]bool{polite.Process.Pid: true, stubborn.Process.Pid: true}
	began := time.Now()
	go endGroups(groups, patience)
	if sig := ended(polite); sig != unix.SIGTERM || time.Since(began) > patience {
		t.Errorf("the polite one ended by %v after %v", sig, time.Since(began))
	}
	if sig := ended(stubborn); sig != unix.SIGKILL || time.Since(began) < patience {
		t.Errorf("the stubborn one ended by %v after %v", sig, time.Since(began))
	}
}

// A terminal's signals, and a service manager's, do not end the guard.
func TestGuardIgnoresSignals(t *testing.T) {
	t.Parallel()
	guard, orders := startGuard(t)
	victim, dropped := sleeper(t, false), sleeper(t, false)
	await.Until(t, "guard that ignores SIGTERM", func() bool { return ignores(guard.Process.Pid, unix.SIGUSR2) })
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGTSTP} {
		kill(t, guard.Process.Pid, sig)
	}
	if _, err := fmt.Fprintf(orders, "add %d\nadd %d\ndrop %[2]d\n", victim.Process.Pid, dropped.Process.Pid); err != nil {
		t.Fatal(err)
	}
	_ = orders.Close()
	if sig := ended(victim); sig != unix.SIGTERM {
		t.Errorf("the group ended by %v", sig)
	}
	if err := guard.Wait(); err != nil {
		t.Errorf("the guard: %v", err)
	}
	if !isAlive(dropped.Process.Pid) {
		t.Error("the dropped one has ended")
	}
}

// A guard that dies is replaced, and the next one knows what it knew.
func TestGuardIsReplaced(t *testing.T) {
	t.Parallel()
	log := &logged{}
	spawn := newSpawner()
	t.Cleanup(spawn.close)
	k, err := newKeeper(os.Args[0], [][2]string{{"run", "ZFLEET_RUN=" + rand.Text()}}, spawn, zerolog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	kept, early, late := sleeper(t, false), sleeper(t, false), sleeper(t, false)
	for _, cmd := range []*exec.Cmd{kept, early, late} {
		k.add(cmd.Process.Pid)
	}
	k.drop(early.Process.Pid)
	kill(t, guardPid(t, log, 0), unix.SIGKILL)
	second := guardPid(t, log, 1)
	freeze(t, second) // one that does not listen: its pipe takes orders all the same
	k.drop(late.Process.Pid)
	kill(t, second, unix.SIGCONT)
	closed := make(chan error)
	go func() { closed <- k.close() }()
	if sig := ended(kept); sig != unix.SIGTERM {
		t.Errorf("the group ended by %v", sig)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if !isAlive(early.Process.Pid) || !isAlive(late.Process.Pid) {
		t.Error("a dropped one has ended")
	}
	k.add(5) // after the end it returns, and nothing happens
}

// guardPid waits for the nth guard.
func guardPid(t *testing.T, log *logged, n int) (pid int) {
	t.Helper()
	await.Until(t, "guard "+strconv.Itoa(n), func() bool {
		var pids []int
		for _, e := range log.entries(t) {
			if e["message"] == "the guard runs" {
				pids = append(pids, int(e["pid"].(float64)))
			}
		}
		if len(pids) <= n {
			return false
		}
		pid = pids[n]
		return true
	})
	return pid
}

func ignores(pid int, sig unix.Signal) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), "SigIgn:\t")
	mask, _, _ := strings.Cut(rest, "\n")
	bits, err := strconv.ParseUint(mask, 16, 64)
	return err == nil && bits&(1<<(uint(sig)-1)) != 0
}

// A proxy is left alone until it ends by itself; one that does not, gets SIGKILL when its time is over. The delegated control group is given
// back at once.
func TestGuardLeavesProxiesAlone(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	subtree := filepath.Join(tree, "cgroup.subtree_control")
	if err := os.WriteFile(subtree, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	guard, orders := startGuard(t)
	worker, stubborn, dropped, polite := sleeper(t, false), sleeper(t, true), sleeper(t, true), sleeper(t, false)
	const patience = 500 * time.Millisecond
	if _, err := fmt.Fprintf(orders, "tree %s\npatience %v\nadd %d\nproxy %d\nproxy %d\ndrop %[5]d\nproxy %[6]d\n", tree, patience,
		worker.Process.Pid, stubborn.Process.Pid, dropped.Process.Pid, polite.Process.Pid); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_ = orders.Close()
	if sig := ended(worker); sig != unix.SIGTERM {
		t.Errorf("the worker ended by %v", sig)
	}
	if !isAlive(polite.Process.Pid) {
		t.Error("a proxy was told to end")
	}
	kill(t, polite.Process.Pid, unix.SIGTERM)
	_ = polite.Wait()
	if sig := ended(stubborn); sig != unix.SIGKILL || time.Since(began) < patience {
		t.Errorf("the proxy that stays ended by %v after %v", sig, time.Since(began))
	}
	if err := guard.Wait(); err != nil {
		t.Errorf("the guard: %v", err)
	}
	if !isAlive(dropped.Process.Pid) {
		t.Error("the dropped one has ended")
	}
	if text, err := os.ReadFile(subtree); err != nil || string(text) != "-cpuory" { // a control file takes each write for itself
		t.Errorf("the control group was told %q, %v", text, err)
	}
}
