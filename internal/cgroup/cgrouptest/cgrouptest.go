// Package cgrouptest gives tests a delegated control group where the machine has one to give. [Delegated] is all of it.
package cgrouptest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Delegated makes a control group of the test's own, marked as systemd marks one with Delegate=yes, for Enter. "" where this user cannot make
// one: then a process is not delegated any either, which is as much to be tested.
func Delegated(t *testing.T) (path string) {
	t.Helper()
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		path := filepath.Join(mount, fmt.Sprintf("zfleet-test-%d-%d", os.Getpid(), time.Now().UnixNano()))
		if _, err := os.Lstat(filepath.Join(mount, "cgroup.controllers")); err != nil || os.Mkdir(path, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { remove(path) })
		if unix.Setxattr(path, "user.delegate", []byte("1"), 0) == nil && unix.Access(filepath.Join(path, "cgroup.kill"), unix.W_OK) == nil {
			return path
		}
	}
	return ""
}

// Enter has a command start in the group. "" leaves it where it is.
func Enter(t *testing.T, cmd *exec.Cmd, path string) {
	t.Helper()
	if path == "" {
		return
	}
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
}

func remove(path string) {
	_ = os.WriteFile(filepath.Join(path, "cgroup.kill"), []byte("1"), 0)
	for range 500 {
		below, _ := filepath.Glob(filepath.Join(path, "*", "cgroup.procs"))
		for _, procs := range below {
			_ = os.Remove(filepath.Dir(procs))
		}
		if err := os.Remove(path); err == nil || os.IsNotExist(err) {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}
