package main

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed csrc
var csrc embed.FS

// compile writes the C programs into dir and compiles them there. CC, PKG_CONFIG_PATH, CGO_CFLAGS and CGO_LDFLAGS count as they do for
// go build.
func compile(ctx context.Context, dir string) error {
	files, err := csrc.ReadDir("csrc")
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := csrc.ReadFile("csrc/" + f.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), text, 0o600); err != nil {
			return err
		}
	}
	for _, f := range files {
		if program, ok := strings.CutSuffix(f.Name(), ".c"); ok {
			if err := compileOne(ctx, dir, program); err != nil {
				return err
			}
		}
	}
	return nil
}

func compileOne(ctx context.Context, dir, program string) error {
	args := append([]string{"-O2", "-std=gnu11"}, strings.Fields(os.Getenv("CGO_CFLAGS"))...)
	args = append(args, strings.Fields(pkgConfig(ctx, "--cflags"))...)
	args = append(args, "-o", program, program+".c")
	args = append(args, strings.Fields(os.Getenv("CGO_LDFLAGS"))...)
	args = append(args, strings.Fields(cmp.Or(pkgConfig(ctx, "--libs"), "-lzmq"))...)
	cc := exec.CommandContext(ctx, cmp.Or(os.Getenv("CC"), "cc"), append(args, "-lm")...)
	cc.Dir = dir
	if said, err := cc.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot compile the benchmark's %s.c, which needs a C compiler and libzmq's header: %w\n%s", program, err, said)
	}
	return nil
}

// pkgConfig asks pkg-config about libzmq. It gives nothing where there is no pkg-config.
func pkgConfig(ctx context.Context, what string) string {
	out, _ := exec.CommandContext(ctx, "pkg-config", what, "libzmq").Output()
	return strings.TrimSpace(string(out))
}
