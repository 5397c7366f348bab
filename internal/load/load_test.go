package load

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// echo is a ROUTER that gives every message back as it came, after twisting it if twist is not nil. It ends with the test.
func echo(t *testing.T, twist func([][]byte) [][]byte) (address string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	address = "ipc://" + filepath.Join(dir, "echo.sock")
	socket, err := zmq4.NewSocket(zmq4.ROUTER)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{socket.SetLinger(0), socket.SetRcvtimeo(20 * time.Millisecond), socket.SetRcvhwm(0), socket.SetSndhwm(0),
		socket.Bind(address)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serveEcho(ctx, socket, twist) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir)
	})
	return address
}

func serveEcho(ctx context.Context, socket *zmq4.Socket, twist func([][]byte) [][]byte) error {
	for ctx.Err() == nil {
		message, err := socket.RecvMessageBytes(0)
		if zmq4.AsErrno(err) == zmq4.Errno(syscall.EAGAIN) {
			continue
		}
		if err == nil && twist != nil {
			message = twist(message)
		}
		if err == nil && message != nil {
			_, err = socket.SendMessage(message)
		}
		if err != nil {
			return err
		}
	}
	return socket.Close()
}

// Real sockets, in each mode: all is answered, and with its own payload.
func TestRun(t *testing.T) {
	address := echo(t, nil)
	for name, opts := range map[string]Options{
		"REQ":     {Clients: 9, Outstanding: 1},
		"DEALER":  {Clients: 3, Outstanding: 100},
		"open":    {Clients: 7, Rate: 500},
		"crowd":   {Clients: 500, Outstanding: 1},
		"payload": {Clients: 1, Outstanding: 1, Payload: []byte{0, 255}},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Endpoint, opts.Echo, opts.Size, opts.Duration, opts.Patience = address, true, 16, 300*time.Millisecond, 20*time.Second
			var progress Progress
			r, err := Run(t.Context(), opts, &progress)
			if err != nil || r.Replies == 0 || r.Wrong+r.Doubled+r.Errors+r.Unanswered > 0 {
				t.Errorf("got %+v, %v", r, err)
			}
			if progress.Answered.Load() < r.Replies || progress.Outstanding.Load() != 0 {
				t.Errorf("progress: %d answered, %d under way", progress.Answered.Load(), progress.Outstanding.Load())
			}
			if p50, most := r.Latency(50), r.Latency(100); p50 <= 0 || most < p50 {
				t.Errorf("p50 %v, max %v", p50, most)
			}
		})
	}
}

// A reply that lacks its number, or has a number that was never given, is wrong.
func TestRunSeesWrongReplies(t *testing.T) {
	for name, twist := range map[string]func([][]byte) [][]byte{
		"no number":     func(m [][]byte) [][]byte { return append(m[:1:1], m[2:]...) },
		"another's":     func(m [][]byte) [][]byte { m[1] = []byte("ABCDEFGH"); return m },
		"other payload": func(m [][]byte) [][]byte { m[3] = []byte("other"); return m },
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options{Endpoint: echo(t, twist), Clients: 1, Rate: 100, Size: 8, Echo: true, Duration: 100 * time.Millisecond,
				Patience: 200 * time.Millisecond}
			if r, err := Run(t.Context(), opts, &Progress{}); err != nil || r.Wrong == 0 || r.Replies > 0 {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}

// Nobody listens: the load ends by itself and says that nothing was answered.
func TestRunWithoutService(t *testing.T) {
	address := fmt.Sprintf("ipc://%s/none.sock", t.TempDir())
	opts := Options{Endpoint: address, Clients: 2, Outstanding: 2, Duration: 50 * time.Millisecond, Patience: 50 * time.Millisecond}
	if r, err := Run(t.Context(), opts, &Progress{}); err != nil || r.Unanswered != 4 || r.Rate() != 0 || r.Latency(99) != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	opts.Endpoint = "nonsense"
	if _, err := Run(t.Context(), opts, &Progress{}); err == nil {
		t.Error("connects to nonsense")
	}
}
