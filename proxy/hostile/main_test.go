package hostile

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// The test binary is also the proxy, when these say so.
const (
	asProxy  = "HOSTILE_PROXY"   // path of its control socket
	maxFiles = "HOSTILE_FILES"   // its limit of open files
	ballast  = "HOSTILE_BALLAST" // files that it has open beside connections
	patient  = "HOSTILE_PATIENT" // not empty: handshakes may take for ever
	timeout  = "HOSTILE_TIMEOUT" // of requests, none when empty
)

func TestMain(m *testing.M) {
	if control := os.Getenv(asProxy); control != "" {
		if err := runProxy(control); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	maxMessage   = 64 << 20
	clientBuffer = 4 << 20
	queueBytes   = 32 << 20

	handshakeTimeout = 4 * time.Second
)

func runProxy(control string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if n, _ := strconv.Atoi(os.Getenv(maxFiles)); n > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(n), Max: uint64(n)}); err != nil {
			return err
		}
	}
	for n, _ := strconv.Atoi(os.Getenv(ballast)); n > 0; n-- {
		if _, err := unix.Open("/dev/null", unix.O_RDONLY, 0); err != nil {
			return err
		}
	}
	opts := proxy.Options{
		Control: control, MaxMessage: maxMessage, ClientBuffer: clientBuffer, Grace: time.Millisecond, HandshakeTimeout: handshakeTimeout,
		Dispatch: dispatch.Config{Attempts: 1000, QueueBytes: queueBytes}, Log: zerolog.New(os.Stderr),
	}
	if os.Getenv(patient) != "" {
		opts.HandshakeTimeout = time.Hour
	}
	opts.Dispatch.Timeout, _ = time.ParseDuration(os.Getenv(timeout)) // 0 when there is none
	for _, ports := range []*[]*endpoint.Listener{&opts.Frontend, &opts.Backend} {
		ep, err := endpoint.Parse("tcp://127.0.0.1:*")
		if err != nil {
			return err
		}
		ln, err := ep.Listen()
		if err != nil {
			return err
		}
		*ports = append(*ports, ln)
	}
	p, err := proxy.New(opts)
	if err != nil {
		return err
	}
	return p.Run(ctx)
}
