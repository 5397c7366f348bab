package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/config"
)

// background is a `zfleet up` that was started in a session of its own.
type background struct {
	up     *up
	fleet  string
	cmd    *exec.Cmd
	client *admin.Client
	log    string     // path
	from   int64      // where its lines begin in there
	ended  chan error // its exit
}

// background starts this very command again without --detach, and waits until its fleet is up or has failed.
func (u *up) background(ctx context.Context, file config.File) error {
	opts, err := u.options(file)
	if err != nil {
		return err
	}
	runDir, err := admin.MakeRunDir(file.Spec.Name)
	if err != nil {
		return err
	}
	if err := mayRun(runDir, file.Spec.Name); err != nil {
		return err
	}
	b := &background{up: u, fleet: file.Spec.Name, log: u.logFile, ended: make(chan error, 1)}
	if b.log == "" {
		b.log = filepath.Join(runDir, "up.log")
	}
	if opts.Socket == "" {
		opts.Socket = admin.SocketPath(b.fleet)
	}
	b.client = admin.NewClient(opts.Socket)
	b.cmd = exec.Command(opts.Self, "up", "--file", opts.File, "--socket", opts.Socket, "--log-file", b.log)
	if err := b.start(); err != nil {
		return fmt.Errorf("cannot start fleet %q in the background: %w", b.fleet, err)
	}
	return b.wait(ctx)
}

// mayRun asks early what the process would find out too, for a refusal that is one sentence here and not a line in that fleet's log.
func mayRun(runDir, fleet string) error {
	release, err := admin.Claim(runDir, admin.Version{Pid: os.Getpid(), Fleet: fleet})
	if err != nil {
		return err
	}
	return release()
}

// What the process says before its log is open, and Go's own last words should it crash, go to the same file.
func (b *background) start() error {
	log, err := os.OpenFile(b.log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	if info, err := log.Stat(); err == nil {
		b.from = info.Size()
	}
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := b.cmd.Start(); err != nil {
		return err
	}
	go func() { b.ended <- b.cmd.Wait() }()
	return nil
}

func (b *background) wait(ctx context.Context) error {
	ctx, cancel := within(ctx, b.up.timeout)
	defer cancel()
	type outcome struct {
		status admin.Status
		err    error
	}
	settled := make(chan outcome, 1)
	go func() {
		status, err := b.settled(ctx)
		settled <- outcome{status, err}
	}()
	select {
	case err := <-b.ended:
		return b.failed(err)
	case o := <-settled:
		switch {
		case o.err == nil:
			b.report(o.status)
			return nil
		case errors.Is(o.err, context.DeadlineExceeded):
			return b.late()
		}
		return b.exit(o.err)
	}
}

// exit tells a process that has ended from one that runs and cannot bring its workers up.
func (b *background) exit(err error) error {
	select {
	case err := <-b.ended:
		return b.failed(err)
	case <-time.After(exitTime):
		return &stuckError{fmt.Sprintf("fleet %s runs, and is not up: %v (pid %d, log %s)", b.fleet, err, b.cmd.Process.Pid, b.log)}
	}
}

// exitTime is how long a process may take to end after it has closed its socket.
const exitTime = time.Second

type stuckError struct{ text string }

func (e *stuckError) Error() string { return e.text }

func (*stuckError) Hint() string { return "zfleet ps, zfleet down" }

const dialEvery = 20 * time.Millisecond

// settled waits for the process that was started. Another one may answer at the socket: then this one is about to fail.
func (b *background) settled(ctx context.Context) (admin.Status, error) {
	for {
		who, err := b.client.Version(ctx)
		if err == nil && who.Pid == b.cmd.Process.Pid {
			return b.client.Settled(ctx, "")
		}
		select {
		case <-ctx.Done():
			return admin.Status{}, ctx.Err()
		case <-time.After(dialEvery):
		}
	}
}

func (b *background) report(status admin.Status) {
	b.up.ui.printf("fleet %s is up: pid %d, socket %s, log %s\n", b.fleet, b.cmd.Process.Pid, b.client.Socket(), b.log)
	for _, svc := range status.Services {
		b.up.ui.printf("%s\n", readyLine(svc))
	}
}

func (b *background) late() error {
	err := &lateError{
		text: fmt.Sprintf("fleet %s is not up after %v; it goes on trying (pid %d, log %s)", b.fleet, b.up.timeout, b.cmd.Process.Pid, b.log),
		hint: "zfleet ps, zfleet down",
	}
	if status, statusErr := b.client.Status(context.Background()); statusErr == nil {
		for _, svc := range status.Services {
			if svc.Ready != svc.Want || svc.Proxy.State != "ready" {
				err.text += "; " + svc.Name + ": " + shortOf(svc)
			}
		}
	}
	return err
}

// failed shows what the process said, which has its own reason and hint in it.
func (b *background) failed(err error) error {
	how := "it ended"
	if err != nil {
		how = err.Error()
	}
	for _, line := range b.lastLines() {
		b.up.ui.logLine(line)
	}
	return fmt.Errorf("cannot start fleet %q in the background: %s (log %s)", b.fleet, how, b.log)
}

const lastLines = 20

func (b *background) lastLines() []string {
	text, err := os.ReadFile(b.log)
	if err != nil || int64(len(text)) < b.from {
		return nil // turned over meanwhile: much too much to show
	}
	lines := strings.Split(string(bytes.TrimRight(text[b.from:], "\n")), "\n")
	return lines[max(0, len(lines)-lastLines):]
}
