package hostile

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
)

// victim is a running proxy.
type victim struct {
	t                 *testing.T
	cmd               *exec.Cmd
	control           *control.Client
	frontend, backend string // host:port
}

func start(t *testing.T, env ...string) *victim {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "control")
	var log bytes.Buffer
	v := &victim{t: t, cmd: exec.Command(os.Args[0]), control: control.Dial(socket)}
	v.cmd.Env = append(append(os.Environ(), asProxy+"="+socket, "GORACE=atexit_sleep_ms=0"), env...)
	v.cmd.Stderr = &log
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, v.cmd.Start())
	t.Cleanup(func() {
		v.control.Close()
		_ = v.cmd.Process.Signal(syscall.SIGTERM)
		if err := v.cmd.Wait(); err != nil {
			t.Errorf("the proxy ended: %v\n%s", err, log.String())
		}
	})
	await.Until(t, "the proxy", func() bool { _, err := v.control.Snapshot(t.Context()); return err == nil })
	s := v.snapshot()
	v.frontend, v.backend = strings.TrimPrefix(s.Frontend[0], "tcp://"), strings.TrimPrefix(s.Backend[0], "tcp://")
	return v
}

func (v *victim) snapshot() control.Snapshot {
	v.t.Helper()
	s, err := v.control.Snapshot(v.t.Context())
	must(v.t, err)
	return s
}

// until waits for the proxy to be as ok says.
func (v *victim) until(what string, ok func(control.Snapshot) bool) {
	v.t.Helper()
	await.Until(v.t, what, func() bool { return ok(v.snapshot()) })
}

// resident is the memory of the proxy, in bytes (proc_pid_statm(5)).
func (v *victim) resident() int {
	v.t.Helper()
	return v.number("statm", 1) * os.Getpagesize()
}

// worked is how long the proxy has had a processor (proc_pid_stat(5): utime and stime, in hundredths of a second).
func (v *victim) worked() time.Duration {
	v.t.Helper()
	return time.Duration(v.number("stat", 13)+v.number("stat", 14)) * 10 * time.Millisecond
}

// files is how many descriptors the proxy has.
func (v *victim) files() int {
	v.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", v.cmd.Process.Pid))
	must(v.t, err)
	return len(entries)
}

// number is a field of a file in the proxy's folder of /proc. The program's name has no spaces.
func (v *victim) number(file string, field int) int {
	v.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", v.cmd.Process.Pid, file))
	must(v.t, err)
	n, err := strconv.Atoi(strings.Fields(string(text))[field])
	must(v.t, err)
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
