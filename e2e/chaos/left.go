package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/procfs"
)

// judgeLeft looks for what a fleet that has ended left on its machine: processes, and sockets in its folders.
func (r *report) judgeLeft(dir string) {
	for _, what := range lasting(func() []string { return append(processesOf(dir), socketsIn(dir)...) }) {
		r.wrong("left over: %s", what)
	}
}

// judgeZombies looks for what a supervisor has not reaped.
func (r *report) judgeZombies(f *fleet) {
	for _, zombie := range lasting(f.zombies) {
		r.wrong("a zombie: %s", zombie)
	}
}

// lasting is what is found and does not go away: what is just ending may take a moment.
func lasting(look func() []string) (found []string) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found = look(); len(found) == 0 {
			break
		}
	}
	return found
}

// processesOf are those that have the folder in their environment, as every process of its fleet has.
func processesOf(dir string) (found []string) {
	mark := []byte("XDG_RUNTIME_DIR=" + dir + "\x00")
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is well formed
	for _, file := range files {
		environ, err := os.ReadFile(file)
		pid := filepath.Base(filepath.Dir(file))
		if err == nil && bytes.Contains(environ, mark) && pid != strconv.Itoa(os.Getpid()) {
			cmdline, _ := os.ReadFile("/proc/" + pid + "/cmdline") // gone by now: it is nothing that is left
			found = append(found, fmt.Sprintf("process %s: %s", pid, bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
		}
	}
	return found
}

func socketsIn(dir string) (found []string) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type() == fs.ModeSocket {
			found = append(found, "socket "+path)
		}
		return nil
	})
	return found
}

// zombies are the dead children that the supervisor has not reaped.
func (f *fleet) zombies() (found []string) {
	processes, err := procfs.AllProcs()
	if err != nil {
		return []string{err.Error()}
	}
	for _, p := range processes {
		stat, err := p.Stat()
		if err == nil && stat.PPID == f.cmd.Process.Pid && stat.State == "Z" {
			found = append(found, fmt.Sprintf("%s (pid %d)", stat.Comm, stat.PID))
		}
	}
	return found
}
