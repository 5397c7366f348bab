package reference_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/proxy/reference"
)

const patience = 20 * time.Second

// run starts an engine on ports of the kernel's choice. stop ends it and waits for Run.
func run(t *testing.T) (frontend, backend string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	bound, ended := make(chan [2]string, 1), make(chan error, 1)
	free := []string{"tcp://127.0.0.1:*"}
	go func() {
		ended <- reference.Run(ctx, free, free, reference.Options{Bound: func(fe, be []string) { bound <- [2]string{fe[0], be[0]} }})
	}()
	select {
	case at := <-bound:
		return at[0], at[1], func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run ended with %v", err)
				}
			case <-time.After(patience):
				t.Fatal("Run did not end")
			}
		}
	case err := <-ended:
		cancel()
		t.Fatal(err)
		panic("unreachable")
	}
}

// connect makes a libzmq socket that is closed when the test ends.
func connect(t *testing.T, kind zmq4.Type, endpoint string) *zmq4.Socket {
	t.Helper()
	soc, err := zmq4.NewSocket(kind)
	if err == nil {
		t.Cleanup(func() { _ = soc.Close() })
		err = errors.Join(soc.SetLinger(0), soc.SetRcvtimeo(patience), soc.Connect(endpoint))
	}
	if err != nil {
		t.Fatal(err)
	}
	return soc
}

func TestRunForwardsAndStops(t *testing.T) {
	frontend, backend, stop := run(t)
	client, worker := connect(t, zmq4.REQ, frontend), connect(t, zmq4.REP, backend)
	for range 3 {
		for _, hop := range []struct {
			from, to *zmq4.Socket
			text     string
		}{{client, worker, "Hello"}, {worker, client, "World"}} {
			if _, err := hop.from.Send(hop.text, 0); err != nil {
				t.Fatal(err)
			}
			if got, err := hop.to.Recv(0); err != nil || got != hop.text {
				t.Fatalf("got %q, %v, want %q", got, err, hop.text)
			}
		}
	}
	stop()
}

// A proxy that cannot send to its backend for want of workers, or of workers that read, still ends at once.
func TestRunStopsWhileItIsBlocked(t *testing.T) {
	frontend, backend, stop := run(t)
	worker, err := zmq4.NewSocket(zmq4.DEALER)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = worker.Close() }()
	if err := errors.Join(worker.SetRcvhwm(1), worker.SetLinger(0), worker.Connect(backend)); err != nil {
		t.Fatal(err)
	}
	client := connect(t, zmq4.DEALER, frontend)
	body := strings.Repeat("x", 100_000)
	if err := client.SetSndtimeo(300 * time.Millisecond); err != nil { // by then nothing moves any more
		t.Fatal(err)
	}
	for err == nil {
		_, err = client.SendMessage("", body)
	}
	if zmq4.AsErrno(err) != zmq4.Errno(syscall.EAGAIN) {
		t.Fatal(err)
	}
	stop()
}

func TestRunSaysWhatItCannotBind(t *testing.T) {
	frontend, _, stop := run(t)
	defer stop()
	free := "ipc://" + filepath.Join(t.TempDir(), "s")
	for _, ports := range [][2]string{{frontend, free}, {free, frontend}, {"tcp://nowhere", free}, {free, "carrier-pigeon://*"}} {
		bad := ports[0]
		if bad == free {
			bad = ports[1]
		}
		err := reference.Run(t.Context(), ports[:1], ports[1:], reference.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+bad+": ") {
			t.Errorf("error %v, want one that begins with: cannot listen on %s", err, bad)
		}
	}
}

// A context that is over before Run begins ends it all the same.
func TestRunWithAContextThatIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	free := []string{"tcp://127.0.0.1:*"}
	if err := reference.Run(ctx, free, free, reference.Options{}); err != nil {
		t.Error(err)
	}
}
