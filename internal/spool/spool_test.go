package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zfleet/zfleet/internal/await"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func lost(n int) []byte { return fmt.Appendf(nil, "%d lost\n", n) }

func closeSpool(t *testing.T, s *Spool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(t, s.Close(ctx))
}

// Many say much at the same time, over many turns of many files. What is kept are the last lines of each, whole and in their order, and
// no more than allowed.
func TestFlood(t *testing.T) {
	dir := t.TempDir()
	limits := Limits{Size: 64 << 10, Files: 3}
	s := New(Options{Lost: lost})
	var wg sync.WaitGroup
	const writers, lines = 4, 8_000
	path := func(w int) string { return filepath.Join(dir, "logs", fmt.Sprintf("%d.log", w)) }
	for w := range writers {
		to := s.Writer(path(w), limits)
		wg.Go(func() {
			for i := range lines {
				_, _ = fmt.Fprintf(to, "line %d of writer %d\n", i, w)
			}
		})
	}
	wg.Wait()
	closeSpool(t, s)
	for w := range writers {
		if size := sizeOf(t, path(w)); size > limits.Size*int64(limits.Files) || size < limits.Size {
			t.Errorf("writer %d: %d bytes are kept", w, size)
		}
		next, dropped := -1, 0
		for _, line := range read(t, path(w)) {
			var n, of int
			if _, err := fmt.Sscanf(line, "%d lost", &n); err == nil {
				dropped += n
				next = -1
				continue
			}
			if _, err := fmt.Sscanf(line, "line %d of writer %d", &n, &of); err != nil || of != w || next >= 0 && n != next {
				t.Fatalf("writer %d: %q, want line %d", w, line, next)
			}
			next = n + 1
		}
		if next >= 0 && next != lines && dropped == 0 {
			t.Errorf("writer %d: the last line is %d", w, next-1)
		}
	}
}

func sizeOf(t *testing.T, path string) (size int64) {
	t.Helper()
	all, err := filepath.Glob(path + "*")
	must(t, err)
	for _, name := range all {
		info, err := os.Stat(name)
		must(t, err)
		size += info.Size()
	}
	return size
}

func read(t *testing.T, path string) (lines []string) {
	t.Helper()
	c, err := From(path, nil)
	must(t, err)
	defer c.Close()
	return rest(t, c)
}

// rest is what a cursor has now.
func rest(t *testing.T, c *Cursor) (lines []string) {
	t.Helper()
	for {
		line, err := c.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		must(t, err)
		lines = append(lines, string(line))
	}
}

// A disk that stands still holds nobody up: what there is no room for is dropped, and it is said how much.
func TestAStuckDiskHoldsNobodyUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := New(Options{Lost: lost})
	w := s.Writer(path, Limits{Size: 1 << 30, Files: 1})
	line := append(bytes.Repeat([]byte("x"), 999), '\n')
	slow := slowly(t, s)
	for range 3 * mostOfOne / len(line) {
		_, err := w.Write(line)
		must(t, err)
	}
	close(slow)
	closeSpool(t, s)
	lines := read(t, path)
	var dropped int
	if _, err := fmt.Sscanf(lines[len(lines)-1], "%d lost", &dropped); err != nil {
		t.Fatalf("the last line is %q", lines[len(lines)-1])
	}
	if want := 3 * mostOfOne / len(line); len(lines)-1+dropped != want {
		t.Errorf("%d lines and %d lost, want %d", len(lines)-1, dropped, want)
	}
}

// slowly has the spool's writer wait until the channel is closed.
func slowly(t *testing.T, s *Spool) chan struct{} {
	t.Helper()
	hold, waits := make(chan struct{}), make(chan struct{})
	s.opts.Failed = func(error) { close(waits); <-hold }
	w := s.Writer(os.DevNull+"/x.log", Limits{Size: 1, Files: 1})
	_, _ = w.Write([]byte("it cannot be written\n"))
	<-waits
	return hold
}

// A disk that is full loses lines, which is said: to the caller once, and in the file when it works again.
func TestADiskThatIsFullForAWhile(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "logs")
	must(t, os.WriteFile(folder, nil, 0o600)) // in its place
	var complaints atomic.Int32
	s := New(Options{Lost: lost, Failed: func(err error) {
		complaints.Add(1)
		if want := "cannot write " + folder + "/a.log: not a directory"; err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}})
	w := s.Writer(filepath.Join(folder, "a.log"), Limits{Size: 1 << 20, Files: 2})
	for i := range 3 {
		_, _ = fmt.Fprintf(w, "line %d\n", i)
		await.Until(t, "the line to be given up", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return w.missed == i+1
		})
	}
	must(t, os.Remove(folder))
	_, _ = w.Write([]byte("line 3\n"))
	closeSpool(t, s)
	if got := strings.Join(read(t, w.path), ", "); got != "3 lost, line 3" {
		t.Errorf("got %s", got)
	}
	if n := complaints.Load(); n != 1 {
		t.Errorf("%d complaints", n)
	}
}

func TestAfterCloseNothingIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := New(Options{})
	w := s.Writer(path, Limits{Size: 100, Files: 1})
	_, _ = w.Write([]byte("before\n"))
	closeSpool(t, s)
	_, _ = w.Write([]byte("after\n"))
	closeSpool(t, s)
	if got := read(t, path); len(got) != 1 || got[0] != "before" {
		t.Errorf("got %q", got)
	}
}

// Small writes become one a pause, but none waits longer.
func TestPause(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Pause: 25 * time.Millisecond})
		path := filepath.Join(dir, "a.log")
		w := s.Writer(path, Limits{Size: 1000, Files: 1})
		wrote := func() int {
			synctest.Wait()
			text, _ := os.ReadFile(path)
			return bytes.Count(text, newline)
		}
		for i, want := range []int{1, 1, 1} {
			_, _ = w.Write([]byte("line\n"))
			if got := wrote(); got != want {
				t.Errorf("after line %d there are %d", i, got)
			}
		}
		time.Sleep(25 * time.Millisecond)
		if got := wrote(); got != 3 {
			t.Errorf("after the pause there are %d", got)
		}
		must(t, s.Close(t.Context()))
	})
}
