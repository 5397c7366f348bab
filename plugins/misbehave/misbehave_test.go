package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/workerkit/control"
	"github.com/zfleet/zfleet/workerkit/workertest"
)

// The test binary is also the misbehaving worker.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_MISBEHAVE") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestWhatAnswers(t *testing.T) {
	t.Setenv("MISBEHAVE_TEST", "a value")
	file := filepath.Join(t.TempDir(), "done")
	w := workertest.New(t, &misbehaver{crashAfter: never})
	for _, step := range []struct{ request, want string }{
		{"count", "1"},
		{"echo a b", "a b"},
		{"echo", ""},
		{"env MISBEHAVE_TEST", "a value"},
		{"sleep 1ms", "slept 1ms"},
		{"sleep long", `INVALID_ARGUMENT: cannot sleep: time: invalid duration "long"`},
		{"hang 1ms", "hung 1ms"},
		{"hang on", `INVALID_ARGUMENT: cannot hang: time: invalid duration "on"`},
		{"error NOT_FOUND no such user", "NOT_FOUND: no such user"},
		{"panic", "INTERNAL: the handler panicked: as asked"},
		{"leak 2", "leaked 2 MiB"},
		{"leak 1", "leaked 3 MiB"},
		{"leak much", `INVALID_ARGUMENT: cannot take "much" for a number of MiB`},
		{"exit now", `INVALID_ARGUMENT: cannot exit: strconv.Atoi: parsing "now": invalid syntax`},
		{"once " + file + " leak 4", "once " + file},
		{"once " + file + " leak 4", "once " + file},
		{"leak 0", "leaked 7 MiB"},
		{"once /dev/null/x echo", "INVALID_ARGUMENT: cannot do it once: open /dev/null/x: not a directory"},
		{"dance", `INVALID_ARGUMENT: cannot do "dance": it is none of the words in misbehave's documentation`},
		{"count", "20"},
	} {
		reply, err := w.Call([]byte(step.request))
		got := string(bytes.Join(reply, []byte("|")))
		if err != nil {
			got = err.Error()
		}
		if got != step.want {
			t.Errorf("%s: got %s; want %s", step.request, got, step.want)
		}
	}
	if reply, err := w.Call([]byte("echo a"), nil, []byte("b")); err != nil || string(bytes.Join(reply, []byte("|"))) != "a||b" {
		t.Errorf("echo of frames: got %q, %v", reply, err)
	}
}

// process is a misbehaving worker as a plain command, and the DEALER that it connects to.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	stderr  *bytes.Buffer
	exited  chan struct{}
	waited  error // what Wait returned
	backend *zmq.Socket
}

const patience = 15 * time.Second

func launch(t *testing.T, misbehave string, env ...string) *process {
	t.Helper()
	backend, err := zmq.NewSocket(zmq.DEALER)
	must(t, err)
	t.Cleanup(func() { must(t, backend.Close()) })
	must(t, errors.Join(backend.SetLinger(0), backend.SetRcvtimeo(patience), backend.Bind("tcp://127.0.0.1:*")))
	endpoint, err := backend.GetLastEndpoint()
	must(t, err)
	p := &process{t: t, cmd: exec.Command(os.Args[0]), stderr: &bytes.Buffer{}, exited: make(chan struct{}), backend: backend}
	p.cmd.Env = append(os.Environ(), "TEST_MISBEHAVE=1", "GORACE=atexit_sleep_ms=0", "MISBEHAVE="+misbehave, control.EnvBackend+"="+endpoint)
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr = p.stderr
	p.cmd.WaitDelay = 200 * time.Millisecond // a grandchild may hold standard error
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, p.cmd.Start())
	go func() {
		p.waited = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	return p
}

func (p *process) send(request string) {
	p.t.Helper()
	_, err := p.backend.SendMessage("", request)
	must(p.t, err)
}

func (p *process) ask(request, want string) {
	p.t.Helper()
	p.send(request)
	reply, err := p.backend.RecvMessage(0)
	must(p.t, err)
	if got := strings.Join(reply[1:], "|"); got != want {
		p.t.Fatalf("%s: got %s; want %s", request, got, want)
	}
}

// ended waits for its end and returns how it was.
func (p *process) ended() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState
	case <-time.After(patience):
		p.t.Fatal("it has not ended")
		return nil
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatEndsIt(t *testing.T) {
	for _, test := range []struct{ misbehave, request, status, says string }{
		{"", "crash", "exit status 2", "panic: crashing, as asked"},
		{"", "kill", "signal: killed", ""},
		{"", "exit 78", "exit status 78", ""},
		{"exit-at-once", "", "exit status 1", ""},
		{"exit-at-once:0", "", "exit status 0", ""},
		{"broken-setup", "", "exit status 1", "cannot set up: broken, as asked"},
		{"crash-after:0", "echo", "exit status 2", "panic: crashing, as asked"},
		{"junk-handshake", "", "exit status 2", "this is no plugin: there is no handshake to spoil"},
		{"dance", "", "exit status 2", `misbehave: cannot do "dance": it is none of the tricks in the documentation`},
		{"slow-start:long", "", "exit status 2", `misbehave: cannot do "slow-start:long": time: invalid duration "long"`},
	} {
		t.Run(test.misbehave+test.request, func(t *testing.T) {
			p := launch(t, test.misbehave)
			if test.request != "" {
				p.send(test.request)
			}
			if got := p.ended().String(); got != test.status {
				t.Errorf("it ended with %s; want %s", got, test.status)
			}
			if got := p.stderr.String(); !strings.Contains(got, test.says) {
				t.Errorf("it said %s; want %s", got, test.says)
			}
		})
	}
}

func TestCrashAfter(t *testing.T) {
	p := launch(t, "crash-after:2")
	p.ask("echo one", "one")
	p.ask("echo two", "two")
	p.send("echo three")
	if got := p.ended().ExitCode(); got != 2 {
		t.Errorf("status %d", got)
	}
}

func TestStop(t *testing.T) {
	p := launch(t, "")
	p.ask("echo", "")
	p.send("stop")
	await.Until(t, "SIGSTOP", func() bool { return state(t, p.cmd.Process.Pid) == "T" })
	must(t, p.cmd.Process.Signal(syscall.SIGCONT))
	reply, err := p.backend.RecvMessage(0)
	must(t, err)
	if reply[1] != "went on after stopped (signal)" {
		t.Errorf("got %q", reply)
	}
}

func TestWhatIsWritten(t *testing.T) {
	for misbehave, request := range map[string]string{"flood-stderr:1,weird-log": "echo", "": "flood-stderr 1"} {
		p := launch(t, misbehave)
		p.send(request)
		_, err := p.backend.RecvMessage(0)
		must(t, err)
		if misbehave == "" {
			p.ask("weird-log", "logged")
		}
		must(t, p.cmd.Process.Signal(syscall.SIGTERM))
		p.ended()
		log := p.stderr.String()
		if len(log) < 1<<20 || !strings.Contains(log, `{"@message":5}`+"\n") || !strings.Contains(log, "no newline") {
			t.Errorf("MISBEHAVE=%s: it wrote %d bytes: …%s", misbehave, len(log), log[max(0, len(log)-1000):])
		}
	}
}

func TestIgnoreTerm(t *testing.T) {
	p := launch(t, "ignore-term,slow-start:1ms")
	p.ask("echo", "")
	for range 3 {
		must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	}
	p.ask("echo still here", "still here")
}

func TestIgnoreDrain(t *testing.T) {
	p := launch(t, "ignore-drain")
	p.ask("echo", "")
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if got := p.ended().ExitCode(); got != 1 { // its grace was over
		t.Errorf("status %d", got)
	}
}

func TestGrandchild(t *testing.T) {
	for trick, inGroup := range map[string]bool{"grandchild-holds-stderr:30s": true, "detached-grandchild-holds-stderr": false} {
		p := launch(t, trick)
		p.ask("echo", "")
		must(t, p.cmd.Process.Signal(syscall.SIGTERM))
		if p.ended(); !errors.Is(p.waited, exec.ErrWaitDelay) {
			t.Errorf("%s: standard error ended with the worker: %v", trick, p.waited)
		}
		_, said, _ := strings.Cut(p.stderr.String(), "grandchild ")
		pid, err := strconv.Atoi(strings.Fields(said)[0])
		must(t, err)
		group, err := syscall.Getpgid(pid)
		must(t, err)
		must(t, syscall.Kill(pid, syscall.SIGKILL))
		if (group == p.cmd.Process.Pid) != inGroup {
			t.Errorf("%s: its group is %d, the worker's %d", trick, group, p.cmd.Process.Pid)
		}
	}
}
