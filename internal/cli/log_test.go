package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLogIsJSONWhereNobodyLooks(t *testing.T) {
	var out bytes.Buffer
	ui := &tui{err: &out}
	log, err := ui.log(logOptions{level: "info"})
	must(t, err)
	log.Info().Str("worker", "hello/0#1").Msg("hello/0#1 ready")
	log.Debug().Msg("not wanted")
	ui.close()
	if got := out.String(); !strings.HasPrefix(got, `{"level":"info","worker":"hello/0#1","time":"`) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %s", got)
	}
}

func TestConsoleLogObeysNoControlCharacters(t *testing.T) {
	var out bytes.Buffer
	ui := &tui{err: &out}
	log, err := ui.log(logOptions{format: "console"})
	must(t, err)
	log.Warn().Str("worker", "hello/0#1").Str("event", "backoff").Str("cause", "it \x1b[2J ended").Int("pid", 7).Msg("back\x1b[2Joff")
	ui.close()
	_, line, _ := strings.Cut(strings.TrimSuffix(out.String(), "\n"), " ")
	if want := `WRN hello/0#1 back\x1b[2Joff pid=7 cause="it \x1b[2J ended"`; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
}

// stuck is a reader that reads nothing until it is let go.
type stuck struct {
	letGo chan struct{}
	mu    sync.Mutex
	got   strings.Builder
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.letGo
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(p)
}

func (s *stuck) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

func TestAStuckLogHoldsNobodyUp(t *testing.T) {
	to := &stuck{letGo: make(chan struct{})}
	ui := &tui{err: to}
	log, err := ui.log(logOptions{})
	must(t, err)
	for range 3 * logLines {
		log.Info().Msg("a line") // would block for ever
	}
	start := time.Now()
	ui.close()
	if waited := time.Since(start); waited > patience {
		t.Errorf("the end waited %v", waited)
	}
	close(to.letGo)
	deadline := time.Now().Add(patience)
	for !strings.Contains(to.text(), "log lines dropped") && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if !strings.Contains(to.text(), "log lines dropped") {
		t.Error("it is not said that lines were dropped")
	}
}

func TestLogFileThatCannotBe(t *testing.T) {
	_, err := (&tui{}).log(logOptions{file: filepath.Join(t.TempDir(), "none", "up.log")})
	if err == nil || !strings.HasSuffix(err.Error(), "none/up.log: no such file or directory") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
