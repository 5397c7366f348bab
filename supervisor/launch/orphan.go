package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/control"
)

// Orphan is a proxy whose supervisor was killed. It serves on and waits for somebody who has another proxy take over from it.
type Orphan struct {
	Service string
	Pid     int

	path   string // of its control socket
	pidfd  int    // its number cannot come to mean another process
	client *control.Client
	log    zerolog.Logger

	said      control.Snapshot
	lines     control.Lines
	listeners []control.Listener   // that nobody has taken
	given     []*endpoint.Listener // the others
	gone      chan struct{}        // closed by the launcher that it was given to, when it has ended
	failed    string               // why nothing can be taken over from it; "": it can
}

// orphanBounds are how long one may take.
type orphanBounds struct {
	answer time.Duration // for each question
	end    time.Duration // from SIGTERM to SIGKILL
}

var defaultOrphanBounds = orphanBounds{answer: 2 * time.Second, end: 6 * time.Second}

// proxySockets is what the control sockets of all services in a run folder are called.
const proxySockets = ".proxy.sock"

// FindOrphans looks for proxies that a supervisor left in the run folder, by their control sockets. It removes the sockets that nobody
// listens at any more, leaves processes alone that are no proxies, and takes seconds at most. The caller has the run folder to itself: no other
// supervisor lives. Each one goes to a Launcher, or is let go of with Release.
func FindOrphans(runDir string, log zerolog.Logger) []*Orphan {
	return findOrphans(runDir, log, defaultOrphanBounds)
}

func findOrphans(runDir string, log zerolog.Logger, b orphanBounds) (all []*Orphan) {
	paths, _ := filepath.Glob(filepath.Join(runDir, "*"+proxySockets))
	found := make([]*Orphan, len(paths))
	var looking sync.WaitGroup
	for i, path := range paths {
		looking.Go(func() { found[i] = findOrphan(path, log, b) })
	}
	looking.Wait()
	return slices.DeleteFunc(found, func(o *Orphan) bool { return o == nil })
}

// findOrphan is the orphan that listens at a socket, nil if there is none.
func findOrphan(path string, log zerolog.Logger, b orphanBounds) *Orphan {
	service := strings.TrimSuffix(filepath.Base(path), proxySockets)
	o := &Orphan{Service: service, path: path, pidfd: -1, gone: make(chan struct{}), log: log.With().Str("service", service).Logger()}
	err := o.identify(b)
	switch {
	case err == nil:
		o.pid(o.log.Info()).Msg("a proxy is left of a supervisor that was killed")
		return o
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		err = os.Remove(path)
		log.Debug().Str("path", path).AnErr("cause", err).Msg("a socket was left, and nobody listens at it")
	default:
		o.pid(o.log.Warn()).Str("path", path).Err(err).Msg("what listens at the control socket is not taken for a proxy of this fleet")
	}
	o.Release()
	return nil
}

func (o *Orphan) pid(e *zerolog.Event) *zerolog.Event {
	if o.Pid != 0 {
		e = e.Int("pid", o.Pid)
	}
	return e
}

// identify finds out who listens at the socket. The kernel says its pid; that this is still the number of that process, the process itself
// says, at a time when it is held by a pidfd.
func (o *Orphan) identify(b orphanBounds) error {
	ctx, cancel := context.WithTimeout(context.Background(), b.answer)
	defer cancel()
	cred, err := control.Listening(ctx, o.path)
	if err != nil {
		return err
	}
	o.Pid = int(cred.Pid)
	switch {
	case int(cred.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d", cred.Uid)
	case o.Pid <= 1 || o.Pid == os.Getpid():
		return errors.New("it is no process that can be told to end")
	}
	if o.pidfd, err = unix.PidfdOpen(o.Pid, 0); err != nil {
		return fmt.Errorf("process %d cannot be held: %w", o.Pid, err)
	}
	o.client = control.DialProcess(o.path, o.Pid)
	return o.introduce(b)
}

// introduce asks it for what is to be taken over. One that is stopped may go on; one that is a proxy of this fleet and does not answer even
// then is killed: its ports are needed.
func (o *Orphan) introduce(b orphanBounds) error {
	err := o.answers(b)
	if errors.Is(err, context.DeadlineExceeded) && o.isProxy() {
		_ = unix.PidfdSendSignal(o.pidfd, unix.SIGCONT, nil, 0)
		if err = o.answers(b); errors.Is(err, context.DeadlineExceeded) {
			o.kill()
			o.failed = fmt.Sprintf("it did not answer for %v, and was killed", 2*b.answer)
			return nil
		}
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.answer)
	defer cancel()
	if o.listeners, err = o.client.Listeners(ctx); err != nil {
		o.failed = err.Error()
		return nil
	}
	o.lines, err = o.client.Lines(ctx)
	if err != nil {
		o.log.Debug().Err(err).Msg("what the proxy had to say is not known")
	}
	return nil
}

func (o *Orphan) answers(b orphanBounds) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), b.answer)
	defer cancel()
	o.said, err = o.client.Snapshot(ctx)
	if err == nil && o.said.Pid != o.Pid {
		return fmt.Errorf("it says that it is process %d", o.said.Pid)
	}
	return err
}

// isProxy says whether the process was started as the proxy at this socket. It is asked of one that cannot say so itself.
func (o *Orphan) isProxy() bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(o.Pid) + "/cmdline")
	args := strings.Split(string(text), "\x00")
	at := slices.Index(args, "--control")
	return err == nil && slices.Contains(args, "proxy") && at >= 0 && at+1 < len(args) && args[at+1] == o.path
}

// listener takes the listener that it has for an endpoint, nil if it has none. An endpoint that leaves the port open takes any that it can have
// become, unless another endpoint of the service names that.
func (o *Orphan) listener(port string, e endpoint.Endpoint, all []endpoint.Endpoint) (*endpoint.Listener, error) {
	if o == nil {
		return nil, nil
	}
	i := slices.IndexFunc(o.listeners, func(l control.Listener) bool {
		return l.Port == port && (l.Bound == e || e.Admits(l.Bound) && !slices.Contains(all, l.Bound))
	})
	if i < 0 {
		return nil, nil
	}
	handed := o.listeners[i]
	o.listeners = slices.Delete(o.listeners, i, i+1)
	listener, err := handed.Open(handed.FD)
	if err != nil {
		return nil, errors.Join(err, unix.Close(handed.FD))
	}
	o.given = append(o.given, listener)
	return listener, nil
}

// end tells it to end, and sees to that. It answers what it has first.
func (o *Orphan) end(b orphanBounds) {
	_ = unix.PidfdSendSignal(o.pidfd, unix.SIGTERM, nil, 0) // it may have ended
	_ = unix.PidfdSendSignal(o.pidfd, unix.SIGCONT, nil, 0)
	o.await(b.end)
}

// await waits for its end, and kills it when that takes too long.
func (o *Orphan) await(patience time.Duration) {
	if !awaitPidfd(o.pidfd, patience) {
		o.pid(o.log.Warn()).Msgf("the proxy that was left does not end in %v: it is killed", patience)
		o.kill()
	}
}

func (o *Orphan) kill() {
	_ = unix.PidfdSendSignal(o.pidfd, unix.SIGKILL, nil, 0)
	awaitPidfd(o.pidfd, time.Second)
}

// Release lets go of an orphan without doing anything to it.
func (o *Orphan) Release() {
	for _, l := range o.listeners {
		_ = unix.Close(l.FD)
	}
	o.listeners = nil
	if o.client != nil {
		o.client.Close()
	}
	if o.pidfd >= 0 {
		_ = unix.Close(o.pidfd)
		o.pidfd = -1
	}
}
