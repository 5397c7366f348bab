package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should happen.
const patience = 60 * time.Second

// process is one that a test started. It is killed when the test ends, if it still runs.
type process struct {
	*exec.Cmd
	log   lockedBuffer
	ended chan struct{}
	err   error // after ended
}

func start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(name, args...), ended: make(chan struct{})}
	p.Env = append(os.Environ(), env...)
	p.Stdout, p.Stderr = &p.log, &p.log
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go p.wait()
	t.Cleanup(func() {
		if t.Failed() {
			p.dump()
		}
		_ = p.Process.Kill() // it may have ended
		<-p.ended
		if t.Failed() {
			t.Logf("%s:\n%s", p.Cmd, p.log.String())
		}
	})
	return p
}

// dump has a Go program say where all its goroutines are.
func (p *process) dump() {
	_ = p.Process.Signal(syscall.SIGQUIT) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
	}
}

func (p *process) wait() {
	defer close(p.ended)
	p.err = p.Wait()
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer keeps a process's output for a failed test's log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// alive says whether a process exists and is not a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	after := bytes.LastIndexByte(stat, ')')
	return after+2 < len(stat) && stat[after+2] != 'Z'
}
