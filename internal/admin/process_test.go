package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const listenerEnv = "ZFLEET_TEST_LISTENER"

// As a child of a test this binary only listens, until it is killed.
func TestMain(m *testing.M) {
	path := os.Getenv(listenerEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	ln, err := Listen(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listening")
	hangUp(ln)
}

func listener(t *testing.T) (*exec.Cmd, *Client) {
	t.Helper()
	path := filepath.Join(shortDir(t), "admin.sock")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), listenerEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal("the child does not listen")
	}
	return cmd, NewClient(path)
}

func TestWaitGoneWaitsForTheProcess(t *testing.T) {
	for _, pidfd := range []bool{true, false} {
		t.Run(fmt.Sprintf("pidfd %v", pidfd), func(t *testing.T) {
			cmd, client := listener(t)
			process, err := client.Process(t.Context())
			must(t, err)
			defer process.Close()
			same(t, process.Pid, cmd.Process.Pid)
			if !pidfd {
				process.Close()
				process.fd = -1
			}
			soon, cancel := context.WithTimeout(t.Context(), 3*look)
			defer cancel()
			if err := process.WaitGone(soon); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("while it lives: %v", err)
			}
			must(t, cmd.Process.Kill())
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			start := time.Now()
			must(t, process.WaitGone(ctx))
			t.Logf("gone after %v", time.Since(start))
		})
	}
}

func TestProcessNeedsAFleet(t *testing.T) {
	_, err := NewClient(filepath.Join(shortDir(t), "none")).Process(t.Context())
	var none *NoFleet
	if !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
}
