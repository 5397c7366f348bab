package launch

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// holder is a proxy that is told who is held.
type holder struct {
	mu   sync.Mutex
	told []string
	err  error
	slow time.Duration
}

func (h *holder) hold(_ context.Context, workers []string) error {
	time.Sleep(h.slow)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, strings.Join(workers, " "))
	return h.err
}

// since is what it was told since it was last asked.
func (h *holder) since() string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	told := "[" + strings.Join(h.told, "] [") + "]"
	h.told = nil
	return told
}

func (h *holder) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func TestHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proxy := &holder{}
		h := newHolds(proxy.hold, defaultBounds(), zerolog.Nop())
		defer h.close()
		step := func(what, want string, do func()) {
			t.Helper()
			do()
			if got := proxy.since(); got != want {
				t.Errorf("%s: the proxy is told %s, want %s", what, got, want)
			}
		}
		step("no proxy", "[]", func() { h.set("b", true) })
		step("a proxy comes", "[b]", func() { h.follow() })
		step("one more", "[a b]", func() { h.set("a", true) })
		step("the same", "[]", func() { h.set("a", true); h.set("c", false) })
		step("one less", "[a]", func() { h.set("b", false) })
		step("it restarts", "[]", func() { h.lost() })
		step("a new one", "[a]", func() { h.follow() })
		step("none", "[]", func() { h.set("a", false) })
		if got := proxy.since(); got != "[]" {
			t.Errorf("more is told: %s", got)
		}

		proxy.fail(errors.New("busy"))
		h.set("a", true)
		time.Sleep(7*h.bounds.poll + 1)
		if n := strings.Count(proxy.since(), "[a]"); n != 4 {
			t.Errorf("told %d times", n)
		}
		proxy.fail(nil)
		time.Sleep(h.bounds.ask)
		step("it takes it", "[a]", func() {})
		time.Sleep(time.Hour)
		step("and that is all", "[]", func() {})
	})
}

// What changes while the proxy is told is told after it.
func TestHoldsAreToldInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proxy := &holder{slow: time.Second}
		h := newHolds(proxy.hold, defaultBounds(), zerolog.Nop())
		defer h.close()
		h.follow()
		synctest.Wait()
		h.set("a", true)
		h.set("b", true)
		h.set("a", false)
		time.Sleep(time.Minute)
		if got := proxy.since(); got != "[] [b]" {
			t.Errorf("told %s", got)
		}
	})
}
