package workerkit_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	zmq "github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/workerkit"
)

func TestConcurrencyIsExact(t *testing.T) {
	const n = 4
	h := newHub(t, ipc(t))
	var running atomic.Int32
	finish := make(chan struct{})
	w := run(t, h.endpoint, func(_ context.Context, req [][]byte) ([][]byte, error) {
		if running.Add(1) > n {
			t.Error("one too many")
		}
		<-finish
		running.Add(-1)
		return req, nil
	}, workerkit.Concurrency(n))
	h.awaitLanes(n)
	const requests = 3 * n
	for range requests {
		h.send([]byte("x"))
	}
	await.Until(t, "all lanes to work at a time", func() bool { return running.Load() == n })
	close(finish)
	for range requests {
		h.receive()
	}
	w.drain()
	must(t, w.wait())
}

func TestReconnects(t *testing.T) {
	endpoint := ipc(t)
	h := newHub(t, endpoint)
	run(t, endpoint, script)
	h.expect(h.send([]byte("one")), []byte("one"))
	must(t, h.socket.Close())
	again := newHub(t, endpoint)
	again.expect(again.send([]byte("two")), []byte("two"))
}

func TestConnectsBeforeTheBackendIsThere(t *testing.T) {
	endpoint := ipc(t)
	set := make(chan struct{})
	run(t, endpoint, script, workerkit.Setup(func(context.Context) error { close(set); return nil }))
	<-set
	h := newHub(t, endpoint)
	h.expect(h.send([]byte("x")), []byte("x"))
}

func TestSeveralBackends(t *testing.T) {
	one, two := newHub(t, ipc(t)), newHub(t, "tcp://127.0.0.1:*")
	runAs(t, workerkit.Backend{Endpoints: []string{one.endpoint, two.endpoint}}, script)
	one.expect(one.send([]byte("a")), []byte("a"))
	two.expect(two.send([]byte("b")), []byte("b"))
}

func TestAddressesOfBothFamilies(t *testing.T) {
	v6 := func(s *zmq.Socket) error { return s.SetIpv6(true) }
	for _, test := range []struct {
		bind, connect string // the port comes after
		prepare       []func(*zmq.Socket) error
	}{
		{"tcp://127.0.0.1", "tcp://127.0.0.1", nil},
		{"tcp://127.0.0.1", "tcp://localhost", nil},
		{"tcp://127.0.0.1", "tcp://127.0.0.1:0;127.0.0.1", nil},
		{"tcp://[::1]", "tcp://[::1]", []func(*zmq.Socket) error{v6}},
		{"tcp://[::1]", "tcp://[::1]:0;[::1]", []func(*zmq.Socket) error{v6}},
	} {
		t.Run(test.connect, func(t *testing.T) {
			h := newHub(t, test.bind+":*", test.prepare...)
			run(t, test.connect+h.endpoint[strings.LastIndex(h.endpoint, ":"):], script)
			h.expect(h.send([]byte("x")), []byte("x"))
		})
	}
}

func TestNamesItselfByPlain(t *testing.T) {
	must(t, zmq.AuthStart())
	t.Cleanup(zmq.AuthStop)
	zmq.AuthPlainAdd("workers", "hello/3#7", "secret")
	plain := func(s *zmq.Socket) error { return errors.Join(s.SetZapDomain("workers"), s.SetPlainServer(1)) }
	h := newHub(t, ipc(t), plain)
	b := workerkit.Backend{Endpoints: []string{h.endpoint}, Worker: "hello/3#7", Secret: "secret"}
	runAs(t, b, script)
	h.expect(h.send([]byte("x")), []byte("x"))
}

func TestCannotBeAWorker(t *testing.T) {
	broken := errors.New("no model")
	for _, test := range []struct {
		name      string
		endpoints []string
		opts      []workerkit.Option
		want      string
	}{
		{"no endpoint", nil, nil, "cannot connect: no endpoint was given"},
		{"bad endpoint", []string{"tcp//x"}, nil, `cannot open lane 1 of 1: cannot connect to "tcp//x": invalid argument`},
		{"unknown transport", []string{"udp5://x:1"}, nil, `cannot open lane 1 of 1: cannot connect to "udp5://x:1": protocol not supported`},
		{"setup fails", []string{"ipc:///nowhere/x"}, []workerkit.Option{workerkit.Setup(func(context.Context) error { return broken })},
			"cannot set up: no model"},
		{"setup panics", []string{"ipc:///nowhere/x"}, []workerkit.Option{workerkit.Setup(func(context.Context) error { panic("boom") })},
			"cannot set up: INTERNAL: the setup panicked: boom"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := runAs(t, workerkit.Backend{Endpoints: test.endpoints}, script, test.opts...)
			if err := w.wait(); err == nil || err.Error() != test.want {
				t.Fatalf("got %v; want %s", err, test.want)
			}
		})
	}
}

func TestALaneThatIsLostEndsTheWorker(t *testing.T) {
	h := newHub(t, ipc(t))
	w := run(t, h.endpoint, func(context.Context, [][]byte) ([][]byte, error) {
		runtime.Goexit()
		return nil, nil
	}, workerkit.Concurrency(2))
	h.send([]byte("x"))
	if err := fmt.Sprint(w.wait()); err != "cannot go on: a handler ended its goroutine with runtime.Goexit" {
		t.Fatalf("got %v", err)
	}
}
