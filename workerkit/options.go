package workerkit

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"
)

// Option sets something about a worker.
type Option func(*options)

type options struct {
	name, version, description string
	concurrency                int
	setup, teardown            func(context.Context) error
	health, alive              func(context.Context) error
	grace                      time.Duration
}

// Concurrency is how many requests the worker handles at a time, each on a REP socket of its own: 1 when not given. The fleet file's
// `concurrency` overrides it.
func Concurrency(n int) Option { return func(o *options) { o.concurrency = max(n, 1) } }

// Setup runs before the worker connects: load the model, open the database. Until it returns the worker is not ready; when it returns an
// error the worker exits with status 1 and the error on standard error, and zfleet tries again later. (A setup that cannot succeed on
// another try may call os.Exit(78) itself: zfleet does not restart that.) Its context ends when the worker is told to end meanwhile.
func Setup(setup func(context.Context) error) Option { return func(o *options) { o.setup = setup } }

// Teardown runs when the last reply is sent and the worker is disconnected: flush the cache, close the database. Neither a drain nor the
// end of the process is complete before it returns; its context ends with the grace. It does not run when the setup failed or was cut
// short.
func Teardown(teardown func(context.Context) error) Option {
	return func(o *options) { o.teardown = teardown }
}

// Health is asked again and again whether the worker is ready: whether it can take requests. An error means no, and its text is shown as the
// reason: the worker gets no new requests, goes on with those that it has, and gets requests again when the check says yes. It is
// not killed for that. The context ends when zfleet does not wait any longer; a check that goes on then counts as a no, and the next
// one waits for it.
func Health(check func(context.Context) error) Option { return func(o *options) { o.health = check } }

// Alive is asked again and again whether the worker still works. An error means no, and its text is shown as the reason: after some of them
// in a row the worker is killed, its requests go to others, and it is started again. Most need no such check: that the process answers
// says that it lives. It is for what only a new process mends, such as a deadlock that the program can see; what mends itself is for
// Health, and so is a database that is down, which no restart brings back. It is not asked during the setup. Otherwise it is as Health.
func Alive(check func(context.Context) error) Option { return func(o *options) { o.alive = check } }

// ShutdownGrace is how long requests under way may take when the worker is told to end: 30 s when not given. Then their contexts end.
func ShutdownGrace(d time.Duration) Option { return func(o *options) { o.grace = d } }

// Name is what the worker calls itself when it is run by hand: the binary's name when not given.
func Name(name string) Option { return func(o *options) { o.name = name } }

// Version is shown by --version: the module's version when not given.
func Version(version string) Option { return func(o *options) { o.version = version } }

// Description says in a few words what the worker does, for the one who runs it by hand.
func Description(text string) Option { return func(o *options) { o.description = text } }

func buildOptions(opts []Option) options {
	o := options{
		name:        filepath.Base(os.Args[0]),
		version:     moduleVersion(),
		concurrency: 1,
		setup:       nothing,
		teardown:    nothing,
		health:      nothing,
		alive:       nothing,
		grace:       30 * time.Second,
	}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

func nothing(context.Context) error { return nil }

func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
