package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// life is one process life, from before there is a process until it is gone. It implements supervisor.Process. Its goroutine, run, owns
// all but the channel and the context.
type life struct {
	l    *Launcher
	name fleet.Life
	svc  fleet.Service
	tell func(fleet.Event)
	log  zerolog.Logger
	out  *output

	stopping chan struct{} // closed by Stop
	stop     func()
	aborted  chan string     // holds why, once Abort was called
	killed   context.Context // ends at Kill, or when the launcher closes
	kill     context.CancelFunc

	home    *service // what the launcher keeps for its service
	role    role
	program string // what is executed
	dir     string // in which folder; "": the supervisor's
	child   *child
	files   []stamp // that it was started from
	ready   readiness
}

// role is what differs between a plugin, a plain command and a proxy. Its methods are the life's goroutine's, but for attend.
type role interface {
	// argv is the program and its arguments. A program without a slash is looked for in PATH.
	argv() []string
	// start makes the process. An error ends the life.
	start() (*child, error)
	// attend finds out, until ctx ends, whether the process is ready and alive.
	attend(ctx context.Context, tell func(news))
	// fault is what the process did wrong before it ended by itself, nil if nothing is known.
	fault() error
	// rungs are the stop ladder.
	rungs() []rung
	// clear lets go of what the dead process had.
	clear()
}

func newLife(l *Launcher, name fleet.Life, svc fleet.Service, tell func(fleet.Event)) *life {
	li := &life{l: l, name: name, svc: svc, tell: tell, home: l.homes.of(svc.Name)}
	li.stopping, li.aborted = make(chan struct{}), make(chan string, 1)
	li.log = l.opts.Log.With().Str("service", svc.Name).Str("worker", name.String()).Logger()
	li.out = newOutput(li.repeated(), ownLog(l.opts.Lines(name), name.String()))
	li.stop = sync.OnceFunc(func() { close(li.stopping) })
	li.killed, li.kill = context.WithCancel(l.ctx)
	if li.home != nil {
		li.role = newRole(li)
	}
	return li
}

// repeated is the supervisor's log for what the process prints.
func (li *life) repeated() zerolog.Logger {
	if li.l.opts.Quiet {
		return zerolog.Nop()
	}
	return li.log
}

// Stop begins the stop ladder. See supervisor.Process.
func (li *life) Stop() { li.stop() }

// Abort asks for a stack dump before it kills. See supervisor.Process.
func (li *life) Abort(reason string) {
	select {
	case li.aborted <- reason:
	default: // it was before
	}
}

// Kill sends SIGKILL to the process group, wherever the life is. See supervisor.Process.
func (li *life) Kill() { li.kill() }

func (li *life) run() {
	defer li.kill() // lets go of the context
	li.tell(fleet.Exited{Life: li.name, Exit: li.live()})
}

func (li *life) live() fleet.Exit {
	switch {
	case li.role == nil:
		return fleet.Exit{Code: -1, Reason: fmt.Sprintf("not started: the launcher has no service %s", li.svc.Name), Permanent: true}
	case li.asked():
		return fleet.Exit{Code: -1, Reason: "not started: it was told to stop before"}
	}
	if !li.mayConnect() {
		return fleet.Exit{Code: -1, Reason: "not started: it was told to stop before"}
	}
	child, err := li.create()
	if err != nil {
		return notStarted(li.program, li.dir, err)
	}
	li.child = child
	li.home.census.add(li.name, child.pid, li.files)
	li.tell(fleet.Launched{Life: li.name, Pid: child.pid})
	return li.bury(li.end(li.watch()))
}

// mayConnect waits, for a worker, until the proxy of a supervisor before this one has handed over or ended: it knows another secret, and libzmq
// does not try again where that is refused. Not so: the life was told to end.
func (li *life) mayConnect() bool {
	if li.name.Slot == fleet.ProxySlot || li.home.orphaned == nil {
		return true
	}
	select {
	case <-li.home.orphaned:
		return true
	case <-li.stopping:
	case <-li.killed.Done():
	}
	return false
}

// create makes the process.
func (li *life) create() (*child, error) {
	argv := li.role.argv()
	if len(argv) == 0 {
		li.program = "a worker"
		return nil, errors.New("the service has neither plugin nor command")
	}
	li.program = argv[0]
	child, err := li.role.start()
	if err != nil {
		li.role.clear()
	}
	return child, err
}

func newRole(li *life) role {
	switch {
	case li.name.Slot == fleet.ProxySlot:
		return &proxyRole{life: li}
	case li.svc.Workers.Plugin != "":
		li.dir = li.svc.Workers.Dir
		return newPluginRole(li)
	default:
		li.dir = li.svc.Workers.Dir
		return &commandRole{life: li}
	}
}

// asked says whether the life was told to end.
func (li *life) asked() bool {
	select {
	case <-li.stopping:
		return true
	case <-li.killed.Done():
		return true
	default:
		return false
	}
}

// spawn starts the life's process.
func (li *life) spawn(env []string, inherit []*os.File, stdout *lines) (*child, error) {
	argv := li.role.argv()
	path, err := findProgram(argv[0], li.dir, lookup(env, "PATH"))
	if err != nil {
		return nil, err
	}
	li.program, li.files = path, stamps(path, argv[1:], li.dir)
	if li.name.Slot == fleet.ProxySlot {
		li.files = stamps(path, nil, "") // what else it names, it writes
	}
	cmd := &exec.Cmd{Path: path, Args: argv, Env: env, Dir: li.dir, ExtraFiles: inherit}
	group, err := li.makeGroup()
	if err != nil {
		return nil, err
	}
	child, err := li.l.spawn(cmd, group, outliving(li.name), li.out, stdout, li.out.stream("stderr"))
	if err != nil && group != nil {
		group.End()
	}
	return child, err
}
