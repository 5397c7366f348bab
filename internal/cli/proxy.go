package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/errorreply"
	"github.com/zfleet/zfleet/proxy"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/reference"
)

const (
	proxySummary = "Run a proxy alone, in the foreground"
	proxyHelp    = `Run the data plane alone: REQ clients connect to the frontend, REP workers to the backend. A worker
that dies, or hangs up, takes no request with it: what it had not answered goes to another one.

--take-over PATH has this proxy take everything over from the one whose control socket is at PATH: listeners,
connections, the queue, what workers have. No client or worker notices, and the other proxy ends. Flags may
differ from its own, and hold for what comes. If it fails, the other proxy goes on as before.

SIGTERM and SIGINT let the requests that were read be answered, for --grace at most; a second one
ends the proxy at once.

--engine libzmq runs libzmq's own zmq_proxy instead, to compare with. It takes no other flags than the
endpoints, and promises no more than zmq_proxy does: a request dies with its worker.`
	proxyExample = `  zfleet proxy --frontend tcp://*:5559 --backend tcp://*:5560
  zfleet proxy --frontend tcp://*:5559 --frontend ipc:///run/x.sock --backend tcp://lo:5560
  zfleet proxy --frontend tcp://*:5559 --backend tcp://*:5560 --control /run/p.sock --take-over /run/p.sock`
)

type proxyFlags struct {
	frontend, backend []string
	engine            string
	service           string
	prefetch          string
	redeliver         string
	overflow          string
	probe, reply      string
	errorReply        string
	grace             time.Duration
	takeOver          string
	orphanGrace       time.Duration
	opts              proxy.Options
}

func newProxyCommand(ui *tui) *cobra.Command {
	var f proxyFlags
	cmd := &cobra.Command{
		Use:     "proxy --frontend ENDPOINT --backend ENDPOINT",
		Short:   proxySummary,
		Long:    proxyHelp,
		Example: proxyExample,
		Args:    atMost(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runProxy(cmd, ui, &f) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.frontend, "frontend", nil, "where clients connect; may be given more than once")
	flags.StringArrayVar(&f.backend, "backend", nil, "where workers connect; may be given more than once")
	flags.StringVar(&f.engine, "engine", "zfleet", "zfleet, or libzmq to compare with")
	flags.StringVar(&f.prefetch, "prefetch", "auto", fmt.Sprintf("requests a worker connection may hold unanswered: auto, or 1 to %d", dispatch.MaxPrefetch))
	flags.StringVar(&f.redeliver, "redeliver", "always", "what becomes of a request whose worker ended: always delivers it again, never answers it with an error")
	flags.DurationVar(&f.opts.Dispatch.Timeout, "timeout", 0, "how long a worker may take for one request, before it is given to another; 0: as long as it likes")
	flags.DurationVar(&f.opts.Dispatch.Deadline, "deadline", 0, "how long after it arrived a request is answered with an error; 0: never")
	flags.DurationVar(&f.opts.Heartbeat, "heartbeat", time.Second, "a worker that is silent for so long is sent a PING; 0: never")
	flags.DurationVar(&f.opts.HeartbeatTimeout, "heartbeat-timeout", 10*time.Second, "a worker that is silent for so long is lost, if it knows PING")
	flags.StringVar(&f.probe, "probe", "", "`REQUEST` that a worker is sent which has nothing to do, to see whether it answers; none: no worker is")
	flags.StringVar(&f.reply, "probe-reply", "", "`REPLY` that it has to give; none: any reply will do")
	flags.DurationVar(&f.opts.Dispatch.Probe, "probe-interval", time.Second, "how long a worker has nothing to do until it is probed")
	flags.DurationVar(&f.opts.Dispatch.ProbeTimeout, "probe-timeout", 2*time.Second, "how long it may take to answer")
	flags.IntVar(&f.opts.Dispatch.ProbeFailures, "probe-failures", 3, "probes that it may fail in a row, before it gets no requests until it answers one, or its supervisor ends it")
	flags.IntVar(&f.opts.Dispatch.Attempts, "attempts", 3, "workers that may end while they handle a request, before it is answered with an error")
	flags.IntVar(&f.opts.Dispatch.Queue, "queue", 100_000, "waiting requests at which clients are not read from any more")
	flags.Int64Var(&f.opts.Dispatch.QueueBytes, "queue-bytes", 1<<30, "the same, in bytes")
	flags.StringVar(&f.overflow, "overflow", "block", "what a full queue does: block reads no more from clients, reject answers with an error")
	flags.Int64Var(&f.opts.MaxMessage, "max-message", 1<<30, "bytes of one message; a peer that sends more is hung up on")
	flags.Int64Var(&f.opts.ClientBuffer, "client-buffer", 64<<20, "bytes of unread replies at which a client is hung up on")
	flags.DurationVar(&f.opts.Dispatch.Eject, "eject", 10*time.Second, "how long a worker that is far slower than others, or fails, gets nothing, for the first time; 0: never")
	flags.IntVar(&f.opts.Dispatch.MaxEjected, "max-ejected", 50, "percent of the workers that this may be done to at a time, at least one and never the last")
	flags.StringVar(&f.errorReply, "error-reply", "", "`TEMPLATE` of an error reply, with {code}, {message}, {attempts} and {service}; none: JSON")
	flags.StringVar(&f.opts.DeadLetters.Path, "dead-letters", "", "`PATH` of a file for requests that used up their attempts, for zfleet dead; none: they are not kept")
	flags.Int64Var(&f.opts.DeadLetters.Bytes, "dead-letters-size", 64<<20, "bytes of them that are kept; the oldest go first")
	flags.DurationVar(&f.opts.DeadLetters.Age, "dead-letters-age", 7*24*time.Hour, "how long they are kept; 0: for ever")
	flags.DurationVar(&f.grace, "grace", 30*time.Second, "how long requests may still be answered after SIGTERM")
	flags.DurationVar(&f.orphanGrace, "orphan-grace", 0, "how long it serves on when its supervisor is gone, until another proxy takes over; 0: it ends")
	flags.StringVar(&f.opts.Control, "control", "", "path of a unix socket to ask the proxy at; see docs/architecture.md")
	flags.StringVar(&f.takeOver, "take-over", "", "`PATH` of the control socket of a running proxy to take everything over from; may be that of --control")
	flags.BoolVar(&f.opts.ForgetWorkers, "forget-workers", false, "with --take-over: which worker has which connection was known to another supervisor")
	flags.StringVar(&f.service, "name", "", "the service's name, for logs")
	return cmd
}

func runProxy(cmd *cobra.Command, ui *tui, f *proxyFlags) error {
	signal.Ignore(syscall.SIGPIPE) // of logs that nobody reads any more
	if err := f.check(cmd); err != nil {
		return err
	}
	unwritten := &unreadLog{}
	log, err := ui.log(logOptions{unwritten: unwritten})
	if err != nil {
		return err
	}
	f.opts.LastLines, f.opts.Version = unwritten.lines, version()
	if f.service != "" {
		log = log.With().Str("service", f.service).Logger()
	}
	supervised := os.Getenv(control.EnvLifeline) != ""
	if supervised {
		signal.Ignore(syscall.SIGHUP) // of a terminal that the supervisor had
	}
	ctx, stop := endOnSignal(cmd.Context(), supervised)
	defer stop()
	switch f.engine {
	case "zfleet":
		return f.run(cmd, ctx, log)
	case "libzmq":
		return reference.Run(ctx, f.frontend, f.backend, reference.Options{Bound: func(fe, be []string) {
			log.Info().Strs("frontend", fe).Strs("backend", be).Msg("libzmq's proxy is up")
		}})
	}
	return usagef(cmd, "there is no engine %q: zfleet or libzmq", f.engine)
}

func (f *proxyFlags) check(cmd *cobra.Command) error {
	if len(f.frontend) == 0 || len(f.backend) == 0 {
		return usagef(cmd, "a proxy needs --frontend and --backend")
	}
	for flag, n := range map[string]int64{
		"attempts": int64(f.opts.Dispatch.Attempts), "queue": int64(f.opts.Dispatch.Queue), "queue-bytes": f.opts.Dispatch.QueueBytes,
		"heartbeat-timeout": int64(f.opts.HeartbeatTimeout),
		"probe-interval":    int64(f.opts.Dispatch.Probe), "probe-timeout": int64(f.opts.Dispatch.ProbeTimeout),
		"probe-failures": int64(f.opts.Dispatch.ProbeFailures),
		"max-message":    f.opts.MaxMessage, "client-buffer": f.opts.ClientBuffer,
		"dead-letters-size": f.opts.DeadLetters.Bytes, "grace": int64(f.grace),
	} {
		if n <= 0 {
			return usagef(cmd, "--%s must be more than 0", flag)
		}
	}
	switch {
	case f.takeOver != "" && f.engine != "zfleet":
		return usagef(cmd, "--take-over is for --engine zfleet: libzmq's proxy cannot hand anything over")
	case f.overflow != "block" && f.overflow != "reject":
		return usagef(cmd, "--overflow %q is neither block nor reject", f.overflow)
	case f.redeliver != "always" && f.redeliver != "never":
		return usagef(cmd, "--redeliver %q is neither always nor never", f.redeliver)
	case f.reply != "" && f.probe == "":
		return usagef(cmd, "--probe-reply is what a worker answers to a --probe")
	case f.opts.Dispatch.Timeout < 0:
		return usagef(cmd, "--timeout must not be negative")
	case f.opts.Dispatch.Deadline < 0:
		return usagef(cmd, "--deadline must not be negative")
	case f.opts.Dispatch.Eject < 0:
		return usagef(cmd, "--eject must not be negative")
	case f.opts.Dispatch.MaxEjected < 1 || f.opts.Dispatch.MaxEjected > 100:
		return usagef(cmd, "--max-ejected must be from 1 to 100")
	case f.opts.DeadLetters.Age < 0:
		return usagef(cmd, "--dead-letters-age must not be negative")
	case f.orphanGrace < 0:
		return usagef(cmd, "--orphan-grace must not be negative")
	case f.opts.Heartbeat < 0:
		return usagef(cmd, "--heartbeat must not be negative")
	case f.opts.HeartbeatTimeout <= f.opts.Heartbeat:
		return usagef(cmd, "--heartbeat-timeout (%v) must be more than --heartbeat (%v)", f.opts.HeartbeatTimeout, f.opts.Heartbeat)
	}
	return nil
}

// endOnSignal gives a context that the first SIGTERM or SIGINT ends; after it the signals do what they do by default. A supervised proxy goes
// on ignoring them: it may get several, of its own supervisor, of the next one and of a service manager, and still has requests to answer.
func endOnSignal(ctx context.Context, supervised bool) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	if !supervised {
		context.AfterFunc(ctx, stop)
	}
	return ctx, stop
}

// run is zfleet's own engine.
func (f *proxyFlags) run(cmd *cobra.Command, ctx context.Context, log zerolog.Logger) (err error) {
	opts := f.opts
	opts.Log, opts.Grace, opts.Secret = log, f.grace, os.Getenv(control.EnvSecret)
	opts.Dispatch.Reject, opts.Service = f.overflow == "reject", f.service
	if opts.ErrorReply, err = errorreply.Parse(f.errorReply, f.service); err != nil {
		return usagef(cmd, "--error-reply: %v", err)
	}
	if opts.Dispatch.Prefetch, err = parsePrefetch(cmd, f.prefetch); err != nil {
		return err
	}
	if opts.Probe = (proxy.Probe{Payload: []byte(f.probe), Reply: []byte(f.reply)}); f.probe == "" {
		opts.Dispatch.Probe = 0
	}
	opts.Dispatch.Once = f.redeliver == "never"
	if opts.Dispatch.Once && opts.Dispatch.Prefetch > 1 {
		return usagef(cmd, "--prefetch must be 1 with --redeliver never: what waits at a worker would be lost with it")
	}
	supervisor, err := openLifeline(os.Getenv(control.EnvLifeline))
	if err != nil {
		return err
	}
	opts.Alone = supervisor.isCut
	ports, err := f.ports(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ports.close()) }()
	opts.Frontend, opts.Backend = ports.frontend, ports.backend
	p, err := f.open(ctx, opts, ports, log)
	if err != nil {
		return err
	}
	log.Info().Strs("frontend", bound(ports.frontend)).Strs("backend", bound(ports.backend)).Msg("proxy is up")
	go (&orphan{proxy: p, ports: ports, log: log, grace: f.orphanGrace, last: f.grace}).run(supervisor.ended())
	if err = p.Run(ctx); errors.Is(err, proxy.ErrHandedOver) {
		return ports.leave()
	}
	return err
}

// ports gives the listeners of the endpoints that the flags name.
func (f *proxyFlags) ports(ctx context.Context) (*ports, error) {
	if f.takeOver == "" {
		return openPorts(f.frontend, f.backend, nil)
	}
	handed, err := takePorts(ctx, f.takeOver)
	if err != nil {
		return nil, err
	}
	return openPorts(f.frontend, f.backend, handed)
}

// open makes the proxy: a new one, or one that has taken over.
func (f *proxyFlags) open(ctx context.Context, opts proxy.Options, ports *ports, log zerolog.Logger) (*proxy.Proxy, error) {
	if f.takeOver == "" {
		return proxy.New(opts)
	}
	p, err := proxy.TakeOver(ctx, opts, f.takeOver)
	if err != nil {
		return nil, err
	}
	if err := ports.taken(); err != nil { // there is no way back
		log.Warn().Err(err).Msg("cannot close a port that no flag names any more")
	}
	return p, nil
}

func parsePrefetch(cmd *cobra.Command, s string) (int, error) {
	if s == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > dispatch.MaxPrefetch {
		return 0, usagef(cmd, "--prefetch %q is neither auto nor a number from 1 to %d", s, dispatch.MaxPrefetch)
	}
	return n, nil
}
