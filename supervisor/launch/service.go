package launch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// maxSocketPath is how many bytes the path of a unix socket may have: unix(7), less the zero at its end.
const maxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1

// service is what a service keeps while its processes come and go.
type service struct {
	name     string
	ports    ports
	socket   string // where its proxy's control socket is
	control  *control.Client
	orphan   atomic.Pointer[Orphan]     // that its first proxy takes over from; nil: none
	orphaned <-chan struct{}            // closed when nothing is left of that orphan: then workers can connect; nil: now
	proxies  atomic.Int32               // that live
	began    atomic.Bool                // a proxy was started, and the control socket is its
	serving  atomic.Pointer[fleet.Life] // the proxy that has the ports and the socket, or had them last
	roster   *roster
	holds    *holds
	census   *census
	letters  string // the file for its dead letters; "": there is no place for one
	exits    *exits
}

func socketPath(runDir, service string) string { return filepath.Join(runDir, service+".proxy.sock") }

// openService binds what a service listens on, or takes it from those who have it: a service manager, and a proxy that was left.
func (l *Launcher) openService(spec fleet.Service, passed *endpoint.PassedSockets, orphan *Orphan) (*service, error) {
	log := l.opts.Log.With().Str("service", spec.Name).Logger()
	s := &service{name: spec.Name, socket: socketPath(l.opts.RunDir, spec.Name), census: newCensus()}
	s.control = control.Dial(s.socket)
	s.roster = newRoster(s.control.Name, func(worker string, e control.Event) { l.opts.Judged(spec.Name, worker, e) }, log)
	s.holds = newHolds(s.control.Hold, l.bounds, log)
	s.exits = newExits(s.control.Exited, l.bounds, log)
	if l.opts.StateDir != "" {
		s.letters = dead.Path(l.opts.StateDir, spec.Name)
	}
	l.prepare(orphan)
	if err := s.ports.open(spec, orphan, passed); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.orphan.Store(orphan); orphan != nil {
		s.orphaned = orphan.gone
	}
	return s, nil
}

// listen binds all that are not passed, and that no orphan has, or none. What a service manager passes goes first: it wants to see it taken, and the
// orphan has the same.
func listen(port string, endpoints []string, orphan *Orphan, passed *endpoint.PassedSockets) (listeners []*endpoint.Listener, err error) {
	all := make([]endpoint.Endpoint, len(endpoints))
	for i, s := range endpoints {
		if all[i], err = endpoint.Parse(s); err != nil {
			return nil, err
		}
	}
	for _, e := range all {
		listener, err := passed.Take(e)
		if listener == nil && err == nil {
			listener, err = orphan.listener(port, e, all)
		}
		if listener == nil && err == nil {
			listener, err = e.Listen()
		}
		if err != nil {
			return nil, errors.Join(err, closeAll(listeners))
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

func closeAll(listeners []*endpoint.Listener) (err error) {
	for _, l := range listeners {
		err = errors.Join(err, l.Close())
	}
	return err
}

func (s *service) close() error {
	s.roster.close()
	s.holds.close()
	s.exits.close()
	s.control.Close()
	err := s.ports.close()
	if s.began.Load() {
		err = errors.Join(err, s.removeSocket())
	}
	return err
}

// removeSocket removes what a proxy that was killed left behind.
func (s *service) removeSocket() error {
	if err := os.Remove(s.socket); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// persist asks the service's proxy, and asks again when that ends while another one takes over from it: until the answer, or ctx ends.
func (s *service) persist(ctx context.Context, poll time.Duration, ask func(context.Context) error) error {
	err := ask(ctx)
	for err != nil && ctx.Err() == nil && s.proxies.Load() > 0 {
		sleep(ctx, poll)
		err = ask(ctx)
	}
	return err
}

// proxyArgs is the command line of the service's proxy. Told to end, it has its own grace for requests under way; that is over before
// the stop ladder's next rung.
func (s *service) proxyArgs(svc fleet.Service, terminate, orphan time.Duration) []string {
	d := svc.Delivery
	args := []string{"proxy", "--name", s.name, "--control", s.socket}
	for _, l := range s.ports.of(control.Frontend, svc.Frontend) {
		args = append(args, "--frontend", l.Bound().String())
	}
	for _, l := range s.ports.of(control.Backend, svc.Backend) {
		args = append(args, "--backend", l.Bound().String())
	}
	args = append(args,
		"--redeliver", redeliver(d.Once),
		"--timeout", d.Timeout.String(),
		"--deadline", d.Deadline.String(),
		"--heartbeat", d.Heartbeat.String(),
		"--heartbeat-timeout", d.HeartbeatTimeout.String(),
		"--grace", graceOf(terminate).String(),
		"--orphan-grace", orphan.String(),
		"--prefetch", prefetch(d.Prefetch),
		"--attempts", strconv.Itoa(d.Attempts),
		"--queue", strconv.Itoa(d.Queue),
		"--queue-bytes", strconv.FormatInt(d.QueueBytes, 10),
		"--overflow", overflow(d.Reject),
		"--max-message", strconv.FormatInt(d.MaxMessage, 10),
		"--client-buffer", strconv.FormatInt(d.ClientBuffer, 10),
		"--eject", d.Eject.String(),
		"--max-ejected", strconv.Itoa(max(d.MaxEjected, 1)))
	if s.letters != "" && d.DeadLetters > 0 {
		args = append(args, "--dead-letters", s.letters,
			"--dead-letters-size", strconv.FormatInt(d.DeadLetters, 10), "--dead-letters-age", d.DeadLettersAge.String())
	}
	if d.ErrorReply != "" {
		args = append(args, "--error-reply", d.ErrorReply)
	}
	return args
}

// graceOf is how long a proxy that was told to end may go on answering.
func graceOf(terminate time.Duration) time.Duration { return terminate * 4 / 5 }

// probeArgs is how the proxy probes workers. It is asked of all workers alike, plugins or not.
func probeArgs(h fleet.Health) []string {
	if h.Probe == "" {
		return nil
	}
	return []string{
		"--probe", h.Probe, "--probe-reply", h.Reply,
		"--probe-interval", h.Alive.Interval.String(), "--probe-timeout", h.Alive.Timeout.String(),
		"--probe-failures", strconv.Itoa(h.Alive.Failures),
	}
}

func prefetch(n int) string {
	if n == 0 {
		return "auto"
	}
	return strconv.Itoa(n)
}

func redeliver(once bool) string {
	if once {
		return "never"
	}
	return "always"
}

func overflow(reject bool) string {
	if reject {
		return "reject"
	}
	return "block"
}
