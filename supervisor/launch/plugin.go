package launch

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/zfleet/zfleet/workerkit/control"
)

// pluginRole is a workerkit plugin. go-plugin does the handshake and makes the connection; health, drain and death are found out without
// it, see pluginRunner.
type pluginRole struct {
	*life
	client  *plugin.Client // for this life alone: a client cannot be started twice
	born    chan birth
	dialled chan dialled
	wrong   chan struct{} // closed when its first line was no handshake
	junk    error         // then: what was wrong with it
	first   *firstLine
	gone    chan struct{}        // closed when the process is, for go-plugin to let go
	worker  control.WorkerClient // nil until the handshake is done
}

type birth struct {
	child *child
	err   error
}

type dialled struct {
	worker control.WorkerClient
	err    error
}

const noTimeout = 100 * 365 * 24 * time.Hour

// maxAnswer bounds an answer of the control service, or of go-plugin's own services, in bytes. go-plugin itself sets no bound.
const maxAnswer = 4 << 20

func newPluginRole(li *life) *pluginRole {
	p := &pluginRole{life: li, born: make(chan birth, 1), dialled: make(chan dialled, 1)}
	p.wrong, p.gone = make(chan struct{}), make(chan struct{})
	p.first = newFirstLine(p.gone)
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  control.Handshake,
		Plugins:          control.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc:       p.runner,
		SkipHostEnv:      true,      // the environment is environ's
		StartTimeout:     noTimeout, // the fleet's core is who gives up, and has the process killed
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: li.l.opts.RunDir},
		GRPCDialOptions:  []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer))},
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		SyncStdout:       li.out.stream("stdout"),
		SyncStderr:       li.out.stream("stderr"),
	})
	return p
}

func (p *pluginRole) argv() []string { return []string{p.svc.Workers.Plugin} }

// start has go-plugin start the process, since only go-plugin knows the whole environment.
func (p *pluginRole) start() (*child, error) {
	p.ready.waits = "its handshake"
	p.home.holds.set(p.name.String(), true) // before it can connect
	go p.dial()
	b := <-p.born
	return b.child, b.err
}

// begin is called by go-plugin, in dial.
func (p *pluginRole) begin(env []string) error {
	env = append(p.environ(p.svc.Workers.Env, p.identity()...), env...)
	child, err := p.spawn(append(env, lifelineAt(control.EnvLifeline, 0)), []*os.File{p.l.lifeline.read}, p.stdout())
	p.born <- birth{child, err}
	return err
}

// stdout gives the first line to go-plugin, if it is a handshake, and the others to the log.
func (p *pluginRole) stdout() *lines {
	rest := p.out.stream("stdout")
	var once sync.Once
	return newLines(func(line []byte, cut bool) {
		isFirst := false
		once.Do(func() { isFirst = true; p.handshake(string(line)) })
		if !isFirst {
			rest.give(line, cut)
		}
	})
}

func (p *pluginRole) handshake(line string) {
	if err := checkHandshake(line); err != nil {
		p.junk = err
		close(p.wrong)
		return
	}
	p.first.give(line)
}

// dial connects. It can hang until the process is gone: nobody waits for it longer.
func (p *pluginRole) dial() {
	worker, err := p.dispense()
	select {
	case p.born <- birth{err: err}: // go-plugin gave up before it began
	default: // the life has heard of it, or will
	}
	p.dialled <- dialled{worker, err}
}

func (p *pluginRole) dispense() (worker control.WorkerClient, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("handshake failed: go-plugin panicked: %v", r)
		}
	}()
	protocol, err := p.client.Client()
	if err != nil {
		return nil, fmt.Errorf("handshake failed: %w", err)
	}
	raw, err := protocol.Dispense(control.PluginName)
	if err != nil {
		return nil, fmt.Errorf("handshake failed: %w", err)
	}
	return raw.(*control.Client), nil // it is what control.Plugin makes
}

// fault is what was wrong with a plugin that ended before anybody could say so.
func (p *pluginRole) fault() error {
	select {
	case <-p.wrong:
		return p.junk
	default:
		return nil
	}
}

// clear has go-plugin let go of the dead process and remove its folder. Its Kill would hang on one that lives, and may hang on one that is
// dead, so nobody waits for it for long: a folder that is left is removed when the next supervisor starts.
func (p *pluginRole) clear() {
	p.home.holds.set(p.name.String(), false)
	close(p.gone)
	cleared := make(chan struct{})
	go func() { defer close(cleared); p.client.Kill() }()
	select {
	case <-cleared:
	case <-time.After(p.l.bounds.cleanup):
		p.log.Warn().Msg("go-plugin does not let go of a worker that is gone")
	}
}
