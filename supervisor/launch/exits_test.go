package launch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// earProxy hears exits when it is there.
type earProxy struct {
	gone  atomic.Bool
	heard []string
}

func (p *earProxy) hear(_ context.Context, e control.Exit) error {
	if p.gone.Load() {
		return errors.New("cannot reach the proxy")
	}
	p.heard = append(p.heard, fmt.Sprintf("%s %d %s %q", e.Worker, e.Pid, e.Reason, e.LastLines))
	return nil
}

func withExits(t *testing.T, test func(t *testing.T, p *earProxy, e *exits, log *logged)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var p earProxy
		var log logged
		e := newExits(p.hear, defaultBounds(), zerolog.New(&log))
		defer e.close()
		test(t, &p, e, &log)
	})
}

// A proxy that is gone for a moment hears how a worker ended when it is back.
func TestExitIsToldOnceTheProxyIsBack(t *testing.T) {
	withExits(t, func(t *testing.T, p *earProxy, e *exits, log *logged) {
		p.gone.Store(true)
		e.say(fleet.Life{Service: "hello", Slot: 3, N: 7}, 70, fleet.Exit{Reason: "killed by SIGSEGV", Signal: "SIGSEGV", LastLines: []string{"oh"}})
		time.Sleep(time.Second)
		synctest.Wait()
		p.gone.Store(false)
		time.Sleep(defaultBounds().poll)
		synctest.Wait()
		if want := []string{`hello/3#7 70 killed by SIGSEGV ["oh"]`}; !slices.Equal(p.heard, want) || log.String() != "" {
			t.Errorf("heard %q, logged %s", p.heard, log.String())
		}
	})
}

// One that stays away is given up on, each time anew, and a life never waits for it.
func TestExitThatNobodyHears(t *testing.T) {
	withExits(t, func(t *testing.T, p *earProxy, e *exits, log *logged) {
		p.gone.Store(true)
		began := time.Now()
		for i := range 3 * exitsWaiting {
			e.say(fleet.Life{Service: "hello", Slot: i, N: 1}, 1, fleet.Exit{})
		}
		if !began.Equal(time.Now()) {
			t.Errorf("it took %v", time.Since(began))
		}
		time.Sleep(defaultBounds().exits - 1)
		synctest.Wait()
		if log.String() != "" {
			t.Errorf("given up early: %s", log.String())
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if n := strings.Count(log.String(), "hello/0#1"); n != 1 {
			t.Errorf("told %d times: %s", n, log.String())
		}
	})
}

func TestLetterFlags(t *testing.T) {
	s := &service{name: "hello", letters: "/state/hello.dead"}
	args := strings.Join(s.proxyArgs(fleet.Service{Delivery: fleet.Delivery{DeadLetters: 7, DeadLettersAge: time.Hour, ErrorReply: "E {code}\n"}}, time.Second, time.Minute), " ")
	if want := "--dead-letters /state/hello.dead --dead-letters-size 7 --dead-letters-age 1h0m0s --error-reply E {code}\n"; !strings.HasSuffix(args, want) {
		t.Errorf("got %q", args)
	}
	none := strings.Join((&service{}).proxyArgs(fleet.Service{Delivery: fleet.Delivery{DeadLetters: 7}}, time.Second, time.Minute), " ")
	if strings.Contains(none, "dead-letters") || strings.Contains(none, "error-reply") {
		t.Errorf("got %q", none)
	}
}
