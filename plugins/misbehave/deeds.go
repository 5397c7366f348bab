package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zfleet/zfleet/workerkit"
)

func sleep(ctx context.Context, _ *misbehaver, duration string) (string, error) {
	d, err := time.ParseDuration(duration)
	if err != nil {
		return "", workerkit.Errorf(workerkit.InvalidArgument, "cannot sleep: %w", err)
	}
	select {
	case <-time.After(d):
		return "slept " + duration, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func fail(_ context.Context, _ *misbehaver, args string) (string, error) {
	code, message, _ := strings.Cut(args, " ")
	return "", workerkit.Errorf(workerkit.Code(code), "%s", message)
}

// crash ends the process as an author's bug does: a panic where nothing recovers.
func crash() (string, error) {
	go panic("crashing, as asked")
	idle()
	return "", nil
}

func exit(_ context.Context, _ *misbehaver, status string) (string, error) {
	code, err := strconv.Atoi(status)
	if err != nil {
		return "", workerkit.Errorf(workerkit.InvalidArgument, "cannot exit: %w", err)
	}
	os.Exit(code)
	return "", nil
}

func hang(_ context.Context, _ *misbehaver, duration string) (string, error) {
	if duration == "" {
		idle()
	}
	d, err := time.ParseDuration(duration)
	if err != nil {
		return "", workerkit.Errorf(workerkit.InvalidArgument, "cannot hang: %w", err)
	}
	time.Sleep(d)
	return "hung " + duration, nil
}

// signalSelf sends a signal to the process itself. It can be delivered after the call has returned.
func signalSelf(s syscall.Signal) (string, error) {
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		return "", err
	}
	time.Sleep(10 * time.Millisecond)
	return "went on after " + s.String(), nil
}

// once lets a request do harm on its first delivery only: the file outlives the worker.
func once(ctx context.Context, m *misbehaver, args string) (string, error) {
	path, request, _ := strings.Cut(args, " ")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return "once " + path, nil
	case err != nil:
		return "", workerkit.Errorf(workerkit.InvalidArgument, "cannot do it once: %w", err)
	}
	_ = file.Close() // nothing was written
	if _, err := m.obey(ctx, request); err != nil {
		return "", err
	}
	return "once " + path, nil
}

// idle does nothing, for ever.
func idle() {
	for {
		time.Sleep(time.Hour)
	}
}

func parseMiB(mib string) (int, error) {
	n, err := strconv.Atoi(mib)
	if err != nil || n < 0 {
		return 0, workerkit.Errorf(workerkit.InvalidArgument, "cannot take %q for a number of MiB", mib)
	}
	return n, nil
}

func floodStderr(mib string) error {
	n, err := parseMiB(mib)
	if err != nil {
		return err
	}
	lines := bytes.Repeat([]byte(strings.Repeat("flood ", 21)+"\n"), 1<<20/127)
	for range n {
		if _, err := os.Stderr.Write(lines); err != nil {
			return fmt.Errorf("cannot flood standard error: %w", err)
		}
	}
	return nil
}

// weird are lines that upset readers of logs: the first three make go-plugin's own parser panic.
var weird = []string{
	`{"@message":5}`,
	`{"@level":null}`,
	`{"@timestamp":1700000000}`,
	`{"level":{"a":[]},"message":[1,2]}`,
	`{"message":"cut off`,
	`[1,2,3]`,
	`null`,
	"",
	"\x00\x01\x1b[31mred\x1b[0m\a",
	"not UTF-8: \xff\xfe",
	"carriage\rreturn\r",
	"1|1|unix|/nowhere|grpc|",
	strings.Repeat("a line of 200 KiB ", 200<<10/18),
}

// weirdLog writes the weird lines; the last has no end.
func weirdLog() error {
	_, err := os.Stderr.WriteString(strings.Join(weird, "\n") + "\nno newline")
	return err
}

func leak(_ context.Context, m *misbehaver, mib string) (string, error) {
	n, err := parseMiB(mib)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		m.leaked = append(m.leaked, bytes.Repeat([]byte("leak"), 1<<18))
	}
	return fmt.Sprintf("leaked %d MiB", len(m.leaked)), nil
}
