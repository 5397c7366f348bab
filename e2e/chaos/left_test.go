package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is left is found: a process, a socket and a zombie.
func TestWhatIsLeftIsFound(t *testing.T) {
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if found := append(processesOf(dir), socketsIn(dir)...); len(found) > 0 {
		t.Errorf("found %q", found)
	}
	stdin, left := start(t, "XDG_RUNTIME_DIR="+dir)
	socket, err := net.Listen("unix", filepath.Join(dir, "x.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	found := strings.Join(append(processesOf(dir), socketsIn(dir)...), "\n")
	if !strings.HasSuffix(found, ": cat \nsocket "+dir+"/x.sock") || strings.Count(found, "\n") != 1 {
		t.Errorf("found %q", found)
	}
	_ = stdin.Close()
	f := &fleet{cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	for len(f.zombies()) == 0 { // until it has ended
		if left.ProcessState != nil {
			t.Fatal("it was reaped")
		}
	}
	if err := left.Wait(); err != nil {
		t.Error(err)
	}
	if found := f.zombies(); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

// start runs cat, which ends with its input.
func start(t *testing.T, env string) (stdin interface{ Close() error }, cmd *exec.Cmd) {
	t.Helper()
	cmd = exec.Command("cat")
	cmd.Env = append(os.Environ(), env)
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return pipe, cmd
}
