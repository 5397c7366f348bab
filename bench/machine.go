package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// machine says in one line where it was measured.
func machine(ctx context.Context) string {
	var u unix.Utsname
	_ = unix.Uname(&u) // an empty release is no harm
	kernel := unix.ByteSliceToString(u.Release[:])
	return fmt.Sprintf("%d x %s (%s), Linux %s, libzmq %s", runtime.NumCPU(), processor(), runtime.GOARCH, kernel,
		cmp.Or(pkgConfig(ctx, "--modversion"), "of unknown version"))
}

// processor is the first model name of /proc/cpuinfo. Some arm64 kernels give none.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "processor"
}

// commit is what git calls the tree that is measured.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--tags").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
