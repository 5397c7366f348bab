package conformance

import (
	"cmp"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/reference"
)

// patience is how long a test waits for what must come. It is long: a machine may be busy.
const patience = 20 * time.Second

// ports is where an engine listens, as bound: a peer connects to these.
type ports struct {
	frontend, backend []string
}

// fe and be are the first port of each side, all that most tests use.
func (p ports) fe() string { return p.frontend[0] }
func (p ports) be() string { return p.backend[0] }

// setup is how a test wants its engine. The zero value is one TCP port on each side, chosen by the kernel, and defaults.
type setup struct {
	on  func(*testing.T) ports // where to listen; called once an engine, so that two do not share a path
	our proxy.Options          // for zfleet's engine; its listeners, control socket and log are the suite's
}

func (s setup) endpoints(t *testing.T) ports {
	if s.on == nil {
		return wildcard(t)
	}
	return s.on(t)
}

func wildcard(*testing.T) ports {
	return ports{frontend: []string{"tcp://127.0.0.1:*"}, backend: []string{"tcp://127.0.0.1:*"}}
}

// engines are what each runs a test against.
var engines = map[string]func(*testing.T, setup) ports{
	"libzmq": func(t *testing.T, s setup) ports { return startReference(t, s.endpoints(t)) },
	"zfleet": func(t *testing.T, s setup) ports { return start(t, s).ports },
}

// tester is a *testing.T, or the *rapid.T of one check.
type tester interface {
	rapid.TB
	Cleanup(what func())
	Context() context.Context
}

// each runs a test against both engines with default setups.
func each(t *testing.T, test func(t *testing.T, at ports)) { eachWith(t, setup{}, test) }

func eachWith(t *testing.T, s setup, test func(t *testing.T, at ports)) {
	t.Parallel()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, engine(t, s))
		})
	}
}

func startReference(t tester, on ports) ports {
	ctx, stop := context.WithCancel(context.Background())
	bound, ended := make(chan ports, 1), make(chan error, 1)
	go func() {
		ended <- reference.Run(ctx, on.frontend, on.backend, reference.Options{
			Bound: func(frontend, backend []string) { bound <- ports{frontend, backend} },
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := receive(t, ended, "the reference engine's end"); err != nil {
			t.Error(err)
		}
	})
	select {
	case at := <-bound:
		return at
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
		panic("unreachable")
	}
}

// ours is a running engine of this project, with its control socket.
type ours struct {
	ports
	t       tester
	control *control.Client
	cancel  func()
	ended   chan error // what Run returned; closed then
}

// stop ends Run's context, as the end of the test does too.
func (o *ours) stop() (ended <-chan error) {
	o.cancel()
	return o.ended
}

// start runs zfleet's engine until the test ends. It logs nothing: hostile peers would fill the test's output.
func start(t *testing.T, s setup) *ours {
	t.Helper()
	return startOn(t, s.endpoints(t), s.our)
}

func startOn(t tester, on ports, opts proxy.Options) *ours {
	t.Helper()
	opts.Log = zerolog.Nop()
	opts.Control = strings.TrimPrefix(ipc(t).fe(), "ipc://")
	opts.Grace = cmp.Or(opts.Grace, time.Nanosecond) // a test that ends with requests under way does not wait for them
	opts.Frontend, opts.Backend = listen(t, on.frontend), listen(t, on.backend)
	p, err := proxy.New(opts)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	o := &ours{ports{bound(opts.Frontend), bound(opts.Backend)}, t, control.Dial(opts.Control), cancel, make(chan error, 1)}
	go func() {
		o.ended <- p.Run(ctx)
		close(o.ended)
	}()
	t.Cleanup(func() {
		o.control.Close()
		must(t, receive(t, o.stop(), "the engine's end"))
	})
	await.Until(t, "the control socket", func() bool { _, err := o.control.Snapshot(t.Context()); return err == nil })
	return o
}

func listen(t tester, endpoints []string) (all []*endpoint.Listener) {
	t.Helper()
	for _, s := range endpoints {
		ep, err := endpoint.Parse(s)
		must(t, err)
		l, err := ep.Listen()
		must(t, err)
		t.Cleanup(func() { must(t, l.Close()) })
		all = append(all, l)
	}
	return all
}

func bound(all []*endpoint.Listener) (eps []string) {
	for _, l := range all {
		eps = append(eps, l.Bound().String())
	}
	return eps
}

// snapshot asks the engine how it is.
func (o *ours) snapshot() control.Snapshot {
	o.t.Helper()
	s, err := o.control.Snapshot(o.t.Context())
	must(o.t, err)
	return s
}

// receive takes one value from c, or fails the test for want of it.
func receive[T any](t tester, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
		panic("unreachable")
	}
}
