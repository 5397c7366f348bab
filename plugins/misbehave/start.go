package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zfleet/zfleet/workerkit"
	"golang.org/x/sys/unix"
)

// trick does something wrong from the start, at once or by what it tells workerkit.
type trick func(m *misbehaver, arg string) error

var tricks = map[string]trick{
	"exit-at-once":                     exitAtOnce,
	"junk-handshake":                   junkHandshake,
	"never-handshake":                  func(*misbehaver, string) error { idle(); return nil },
	"slow-start":                       slowStart,
	"broken-setup":                     brokenSetup,
	"unhealthy":                        unhealthy,
	"hung-health":                      hungHealth,
	"unready-while":                    unreadyWhile,
	"dead-while":                       deadWhile,
	"crash-after":                      crashAfter,
	"ignore-drain":                     ignoreDrain,
	"ignore-term":                      ignoreTerm,
	"flood-stderr":                     func(_ *misbehaver, mib string) error { return floodStderr(mib) },
	"weird-log":                        func(*misbehaver, string) error { return weirdLog() },
	"grandchild-holds-stderr":          func(_ *misbehaver, d string) error { return grandchild(d, &syscall.SysProcAttr{}) },
	"detached-grandchild-holds-stderr": func(_ *misbehaver, d string) error { return grandchild(d, &syscall.SysProcAttr{Setsid: true}) },
}

// start does the tricks in the order given and returns what to tell workerkit.
func (m *misbehaver) start(list string) ([]workerkit.Option, error) {
	for item := range strings.SplitSeq(list, ",") {
		name, arg, _ := strings.Cut(strings.TrimSpace(item), ":")
		if name == "" {
			continue
		}
		do, ok := tricks[name]
		if !ok {
			return nil, fmt.Errorf("cannot do %q: it is none of the tricks in the documentation", name)
		}
		if err := do(m, arg); err != nil {
			return nil, fmt.Errorf("cannot do %q: %w", item, err)
		}
	}
	return append(m.options, workerkit.Setup(m.setUp)), nil
}

// setUp does what tricks have put off until workerkit calls.
func (m *misbehaver) setUp(ctx context.Context) error {
	for _, setup := range m.setups {
		if err := setup(ctx); err != nil {
			return err
		}
	}
	return nil
}

func exitAtOnce(_ *misbehaver, status string) error {
	code, err := strconv.Atoi(cmp.Or(status, "1"))
	if err != nil {
		return err
	}
	os.Exit(code)
	return nil
}

func junkHandshake(*misbehaver, string) error {
	stdout, err := standardOutput()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, "Hello, I am not a handshake"); err != nil {
		return err
	}
	idle()
	return nil
}

// standardOutput finds what was standard output before workerkit set it aside for the handshake: the first other file that can only be
// written to.
func standardOutput() (*os.File, error) {
	for fd := uintptr(3); fd < 64; fd++ {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err == nil && flags&unix.O_ACCMODE == unix.O_WRONLY {
			return os.NewFile(fd, "standard output"), nil
		}
	}
	return nil, errors.New("this is no plugin: there is no handshake to spoil")
}

func slowStart(m *misbehaver, duration string) error {
	d, err := time.ParseDuration(duration)
	m.setups = append(m.setups, func(context.Context) error { time.Sleep(d); return nil })
	return err
}

func brokenSetup(m *misbehaver, _ string) error {
	m.setups = append(m.setups, func(context.Context) error { return errors.New("broken, as asked") })
	return nil
}

func unhealthy(m *misbehaver, _ string) error {
	m.options = append(m.options, workerkit.Health(func(context.Context) error { return errors.New("unhealthy, as asked") }))
	return nil
}

func hungHealth(m *misbehaver, _ string) error {
	m.options = append(m.options, workerkit.Health(func(context.Context) error { idle(); return nil }))
	return nil
}

func unreadyWhile(m *misbehaver, path string) error {
	m.options = append(m.options, workerkit.Health(absent(path, "unready, as asked")))
	return nil
}

func deadWhile(m *misbehaver, path string) error {
	m.options = append(m.options, workerkit.Alive(absent(path, "dead, as asked")))
	return nil
}

// absent is a check that says no while there is a file. % in its path is the worker's slot.
func absent(path, no string) func(context.Context) error {
	_, life, _ := strings.Cut(os.Getenv("ZFLEET_WORKER"), "/")
	slot, _, _ := strings.Cut(life, "#")
	path = strings.ReplaceAll(path, "%", slot)
	return func(context.Context) error {
		if _, err := os.Stat(path); err == nil {
			return errors.New(no)
		}
		return nil
	}
}

func crashAfter(m *misbehaver, requests string) (err error) {
	m.crashAfter, err = strconv.ParseInt(requests, 10, 64)
	return err
}

// ignoreDrain never ends its teardown. A short grace lets SIGTERM end it all the same.
func ignoreDrain(m *misbehaver, _ string) error {
	m.options = append(m.options, workerkit.ShutdownGrace(100*time.Millisecond),
		workerkit.Teardown(func(context.Context) error { idle(); return nil }))
	return nil
}

// ignoreTerm ignores it now and again in the setup, because Main listens to it in between.
func ignoreTerm(m *misbehaver, _ string) error {
	ignore := func(context.Context) error { signal.Ignore(syscall.SIGTERM); return nil }
	m.setups = append(m.setups, ignore)
	return ignore(context.Background())
}

// grandchild starts a sleep that keeps our standard error open.
func grandchild(duration string, attr *syscall.SysProcAttr) error {
	d, err := time.ParseDuration(cmp.Or(duration, "30s"))
	if err != nil {
		return err
	}
	cmd := exec.Command("sleep", strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, attr
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stderr, "grandchild %d holds standard error for %s\n", cmd.Process.Pid, d)
	return err
}
