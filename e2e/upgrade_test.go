package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/await"
)

// upgradable starts a fleet with a zfleet of its own, whose file the test may replace.
func upgradable(t *testing.T, workers string) *fleet {
	t.Helper()
	program := filepath.Join(t.TempDir(), "zfleet")
	install(t, program, readProgram(t))
	return upAs(t, program, "orphan_grace = \"0s\"", workers)
}

func readProgram(t *testing.T) []byte {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(bin, "zfleet"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// install puts a program in the place of another one, as a package manager does.
func install(t *testing.T, path string, program []byte) {
	t.Helper()
	if err := os.WriteFile(path+".source", program, 0o755); err != nil {
		t.Fatal(err)
	}
	// Not by this process: another test may fork just now, and nobody can execute a file that is open for writing.
	if out, err := exec.Command("cp", path+".source", path+".new").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// established is the tcp connections of the service, by the address at both ends, as the kernel lists them.
func (f *fleet) established(t *testing.T) []string {
	t.Helper()
	return (&line{frontend: []string{f.frontend}, backend: []string{f.backend}}).established(t)
}

// An upgrade under load, of 200 clients and 20 workers: they keep their connections, nothing is lost, and nothing is run twice.
func TestUpgradeUnderLoad(t *testing.T) {
	f := up(t, "plugin = \"misbehave\"\ncount = 20\n")
	l := startLoad(t, f.frontend, 200)
	f.until(t, "all clients", func(s admin.Service) bool { return s.Clients == 200 })
	l.progress(500)
	before, conns := f.mustPs(t), f.established(t)
	stillOpen := connects(t, f.frontend)
	for range 3 {
		out, err := f.zfleet(t, "upgrade")
		if err != nil || !regexp.MustCompile(`^echo: pid \d+ → \d+, \S+ → \S+, with 20\d clients\n$`).Match(out) {
			t.Fatalf("%v\n%s", err, out)
		}
		l.progress(500)
	}
	stillOpen()
	f.until(t, "all clients", func(s admin.Service) bool { return s.Clients == 200 })
	after := f.mustPs(t)
	if after.Proxy.Pid == before.Proxy.Pid || alive(before.Proxy.Pid) {
		t.Errorf("proxy %d is still there", before.Proxy.Pid)
	}
	if !slices.Equal(pids(before), pids(after)) || lifeSum(after) != 20 {
		t.Errorf("workers %v, before %v", pids(after), pids(before))
	}
	if now := f.established(t); !subset(conns, now) || len(conns) < 2*220 {
		t.Errorf("%d connections, before %d", len(now), len(conns))
	}
	l.stop()
	if after := f.mustPs(t); after.Counters.Redelivered != 0 || after.Counters.Failed != 0 {
		t.Errorf("%+v", after.Counters)
	}
	if n := f.logs(`"event":"unready"`); n > 0 {
		t.Errorf("%d times a worker was not ready", n)
	}
}

func (f *fleet) mustPs(t *testing.T) admin.Service {
	t.Helper()
	s, err := f.ps(t)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func subset(some, all []string) bool {
	has := maps.Collect(func(yield func(string, bool) bool) {
		for _, s := range all {
			if !yield(s, true) {
				return
			}
		}
	})
	return !slices.ContainsFunc(some, func(s string) bool { return !has[s] })
}

// A zfleet that is broken, or not there, leaves the old proxy serving; a good one that comes later does not.
func TestUpgradeToABrokenProgram(t *testing.T) {
	t.Parallel()
	f := upgradable(t, "plugin = \"misbehave\"\ncount = 2\n")
	l := startLoad(t, f.frontend, 4)
	before := f.mustPs(t)
	fails := func(words string) {
		t.Helper()
		out, err := f.zfleet(t, "upgrade", "echo")
		if err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "serves on") {
			t.Errorf("upgrade: %v\n%s\nwant %s", err, out, words)
		}
		l.progress(50)
		if s := f.mustPs(t); s.Proxy.Pid != before.Proxy.Pid || s.Upgrade.State != admin.UpgradeFailed {
			t.Errorf("%+v", s.Proxy)
		}
	}
	install(t, f.program, []byte("#!/bin/sh\necho I am broken >&2\nexit 3\n"))
	f.until(t, "the program to be stale", func(s admin.Service) bool { return s.Proxy.Stale })
	fails("I am broken")
	install(t, f.program, []byte("no program at all"))
	fails("it is neither a program for this machine nor a script")
	if err := os.Chmod(f.program, 0o600); err != nil {
		t.Fatal(err)
	}
	fails("it is not executable")
	if err := os.Remove(f.program); err != nil {
		t.Fatal(err)
	}
	fails("there is no such file")
	install(t, f.program, readProgram(t))
	if out, err := f.zfleet(t, "upgrade", "echo"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	l.stop()
	f.until(t, "the new program", func(s admin.Service) bool { return s.Proxy.Pid != before.Proxy.Pid && !s.Proxy.Stale })
	if n := f.logs(`"event":"not_upgraded"`); n != 4 {
		t.Errorf("%d upgrades failed", n)
	}
}

// Whoever is killed in the middle of an upgrade, there is one proxy in the end, and it serves.
func TestKilledWhileUpgrading(t *testing.T) {
	t.Parallel()
	f := up(t, "plugin = \"misbehave\"\ncount = 2\n")
	for i := range 6 {
		before := f.mustPs(t)
		if out, err := f.zfleet(t, "upgrade", "--no-wait"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		victim := before.Proxy.Pid
		if i%2 == 1 {
			victim = f.newest(t, before.Proxy.Pid)
		}
		_ = syscall.Kill(victim, syscall.SIGKILL) // it may have ended
		f.until(t, "one proxy, and the workers at it", func(s admin.Service) bool {
			return isUp(s) && s.Proxy.State == "ready" && alive(s.Proxy.Pid) && s.Upgrade.State != admin.UpgradeUpgrading && len(f.proxies(t)) == 1
		})
		f.ask(t, itoa(i))
	}
}

// proxies are the pids of the service's proxy processes.
func (f *fleet) proxies(t *testing.T) (all []int) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	socket := strings.TrimSuffix(f.client.Socket(), "admin.sock") + "echo.proxy.sock"
	for _, path := range dirs {
		text, _ := os.ReadFile(path)
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err == nil && strings.Contains(string(text), "\x00--control\x00"+socket+"\x00") && alive(pid) {
			all = append(all, pid)
		}
	}
	return all
}

// newest is a proxy beside that one, or it itself when there is none any more.
func (f *fleet) newest(t *testing.T, than int) int {
	t.Helper()
	newest := than
	await.Until(t, "another proxy", func() bool {
		others := slices.DeleteFunc(f.proxies(t), func(pid int) bool { return pid == than })
		if len(others) > 0 {
			newest = others[0]
		}
		return newest != than
	})
	return newest
}
