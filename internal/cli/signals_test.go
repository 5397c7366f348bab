package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/admin"
)

// heard writes down what it is told, and is slow to scale when slow is there.
type heard struct {
	slow   chan struct{}
	mu     sync.Mutex
	orders []string
}

func (h *heard) order(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.orders = append(h.orders, fmt.Sprintf(format, args...))
}

func (h *heard) sofar() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.orders)
}

func (h *heard) Scale(_ context.Context, req admin.ScaleRequest) (admin.ScaleReply, error) {
	if h.slow != nil {
		<-h.slow
	}
	h.order("%s scale %+d", req.By, req.Delta)
	if req.Delta < 0 {
		return admin.ScaleReply{}, errors.New("cannot scale hello to 0: min = 1 in the fleet file")
	}
	return admin.ScaleReply{Service: "hello", Want: 4}, nil
}

func (h *heard) Restart(_ context.Context, req admin.RestartRequest) (admin.RestartReply, error) {
	h.order("%s restart", req.By)
	if req != (admin.RestartRequest{By: req.By}) {
		h.order("%+v", req)
	}
	return admin.RestartReply{}, nil
}

func (h *heard) Reload(_ context.Context, req admin.ReloadRequest) (admin.ReloadReply, error) {
	h.order("%s reload", req.By)
	return admin.ReloadReply{Refused: req.DryRun, Steps: []admin.ReloadStep{
		{Do: "scale", Service: "hello", What: "3 → 4"}, {Do: "later", What: "[log] holds from the next zfleet up"},
	}}, nil
}

func (h *heard) Down(_ context.Context, req admin.DownRequest) error {
	h.order("%s down now=%v", req.By, req.Now)
	return nil
}

// hear lets both goroutines obey what was sent, and returns what was ordered and logged.
func hear(t *testing.T, h *heard, send func(s *signals)) (orders []string, log string) {
	t.Helper()
	var text strings.Builder
	synctest.Test(t, func(t *testing.T) {
		s := &signals{ends: make(chan os.Signal, 8), changes: make(chan os.Signal, 8)}
		ctx, cancel := context.WithCancel(t.Context())
		logger := zerolog.New(zerolog.SyncWriter(&text))
		go s.obeyEnds(ctx, h, logger)
		go s.obeyChanges(ctx, h, logger)
		send(s)
		synctest.Wait()
		cancel()
	})
	return h.sofar(), text.String()
}

func TestSignalsAreOrders(t *testing.T) {
	orders, log := hear(t, &heard{}, func(s *signals) {
		s.changes <- syscall.SIGTTIN
		s.changes <- syscall.SIGTTOU
		s.changes <- syscall.SIGUSR2
		s.changes <- syscall.SIGUSR2 // the same wish
		synctest.Wait()
		time.Sleep(oneWish)
		s.changes <- syscall.SIGUSR2
		s.changes <- syscall.SIGHUP
		synctest.Wait()
		for _, sig := range []syscall.Signal{syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGTERM} {
			s.ends <- sig
		}
		synctest.Wait()
		time.Sleep(oneWish - time.Millisecond)
		s.ends <- syscall.SIGTERM // to the process, and then to its group: still the same wish
		synctest.Wait()
		time.Sleep(time.Millisecond)
		s.ends <- syscall.SIGINT
	})
	want := []string{
		"SIGTTIN scale +1", "SIGTTOU scale -1", "SIGUSR2 restart", "SIGUSR2 restart", "SIGHUP reload", "SIGTERM down now=false", "SIGINT down now=true",
	}
	if !slices.Equal(orders, want) {
		t.Errorf("got %q, want %q", orders, want)
	}
	for _, line := range []string{
		"SIGTTOU: cannot scale hello to 0: min = 1",
		"SIGHUP: scale hello: 3 → 4", "SIGHUP: later: [log] holds", "nothing is done on SIGUSR1", "SIGUSR2: the workers of all services are replaced",
		"SIGTERM: the fleet ends when", "SIGINT: the fleet ends at once",
	} {
		if !strings.Contains(log, line) {
			t.Errorf("no %q in\n%s", line, log)
		}
	}
	if strings.Contains(log, "SIGPIPE") {
		t.Error("a log without a reader is told of in the log")
	}
}

func TestTheEndDoesNotWaitForScaling(t *testing.T) {
	h := &heard{}
	orders, _ := hear(t, h, func(s *signals) {
		h.slow = make(chan struct{})
		s.changes <- syscall.SIGTTIN
		s.ends <- syscall.SIGTERM
		synctest.Wait()
		if got := h.sofar(); !slices.Equal(got, []string{"SIGTERM down now=false"}) {
			t.Errorf("while it scales: %q", got)
		}
		close(h.slow)
	})
	if len(orders) != 2 {
		t.Errorf("got %q", orders)
	}
}
