// Package proxy is the data plane: a ROUTER port for REQ clients, a DEALER port for REP workers, and between them a loop that speaks ZMTP
// itself, so that it knows each worker apart and can give a request to another one when the first dies. New takes bound listeners,
// TakeOver also all that another proxy has, Run serves until its context ends.
//
// Who gets the next request is decided by package dispatch, what the bytes mean by package zmtp, what a supervisor may ask by package
// control, what it tells a proxy that takes over by package handover. The libzmq engine that this one is measured against is package
// reference.
package proxy

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/internal/errorreply"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// Options of a Proxy. Frontend and Backend are required.
type Options struct {
	Frontend []*endpoint.Listener // ROUTER ports; the caller closes them after Run
	Backend  []*endpoint.Listener // DEALER ports
	Control  string               // path of the control socket; "": none
	Version  string               // of this program, for snapshots
	// LastLines are those of the log that could not be written; nil: they are not kept.
	LastLines func() control.Lines
	// Alone says whether there was a supervisor and is none now: its workers end with it. nil: there was none.
	Alone  func() bool
	Secret string // PLAIN password of workers that give a name; "": any

	// ForgetWorkers, with TakeOver: whose its lanes are was another supervisor's to know. The next one has names of its own, the same perhaps.
	ForgetWorkers bool

	Dispatch     dispatch.Config
	Probe        Probe               // with Dispatch.Probe: what workers are asked that have nothing to do
	Service      string              // its name, in dead letters
	ErrorReply   errorreply.Template // what a client gets when no worker's reply will come
	DeadLetters  dead.Store          // where requests are kept that their workers ended with; no Path: nowhere
	MaxMessage   int64               // bytes of one message with all its frames; 0: 1 GiB
	ClientBuffer int64               // bytes of unread replies at which a client is dropped; 0: 64 MiB

	HandshakeTimeout time.Duration // 0: 10 s
	Heartbeat        time.Duration // a worker that is silent for so long is sent a PING; 0: never
	HeartbeatTimeout time.Duration // a worker that is silent for so long is lost; 0: 10 s
	Grace            time.Duration // how long Run goes on answering requests after its context has ended; 0: 30 s
	Log              zerolog.Logger
}

func (o Options) withDefaults() Options {
	if o.Alone == nil {
		o.Alone = func() bool { return false }
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = 1 << 30
	}
	if o.ClientBuffer == 0 {
		o.ClientBuffer = 64 << 20
	}
	if o.HandshakeTimeout == 0 {
		o.HandshakeTimeout = 10 * time.Second
	}
	if o.HeartbeatTimeout == 0 {
		o.HeartbeatTimeout = 10 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	return o
}

// chokeAt is how many bytes of unread replies stop a client's requests from being read.
func (o *Options) chokeAt() int { return int(o.ClientBuffer / 4) }

// Proxy is one service's data plane.
type Proxy struct {
	opts     Options
	loop     *loop
	control  *controlSocket
	ended    chan struct{} // closed when the loop has ended
	followed chan struct{} // closed when the process that took over serves
}

// New prepares a proxy. Connections that have come in since the listeners were bound wait for Run.
func New(opts Options) (*Proxy, error) {
	if len(opts.Frontend) == 0 || len(opts.Backend) == 0 {
		return nil, errors.New("cannot run a proxy without a frontend and a backend")
	}
	opts = opts.withDefaults()
	l, err := newLoop(opts)
	if err != nil {
		return nil, err
	}
	return &Proxy{opts: opts, loop: l, ended: make(chan struct{}), followed: make(chan struct{})}, nil
}

// Run serves until ctx ends; then it takes no new requests, answers those it has, for Grace at most, and returns. It is called once. Its
// error is ErrHandedOver when another process has taken over.
func (p *Proxy) Run(ctx context.Context) error {
	stop, err := p.serveControl()
	if err != nil {
		p.loop.close()
		return err
	}
	var wg sync.WaitGroup
	wg.Go(p.loop.lanes.resolver.run)
	wg.Go(p.loop.reclaimer.run)
	wg.Go(func() { p.endWith(ctx) })
	endLetters := p.writeLetters()

	runtime.LockOSThread()
	err = p.loop.run()
	runtime.UnlockOSThread()

	close(p.ended)
	endLetters()
	if p.loop.given {
		<-p.followed
		err = ErrHandedOver
	}
	err = errors.Join(err, stop())
	wg.Wait()
	return err
}

// writeLetters begins to write dead letters; the function it returns ends that.
func (p *Proxy) writeLetters() (end func()) {
	letters := p.loop.letters
	if letters == nil {
		return func() {}
	}
	go letters.run()
	return func() { letters.end(lettersLast) }
}

// endWith tells the loop when ctx has ended.
func (p *Proxy) endWith(ctx context.Context) {
	select {
	case <-ctx.Done():
		p.End(p.opts.Grace)
	case <-p.ended:
	}
}

// End makes Run return: when all requests are answered, after grace at the latest. A later End only ever makes it sooner. It may be called
// from any goroutine.
func (p *Proxy) End(grace time.Duration) {
	_ = p.loop.inbox.post(func(l *loop) { l.end(grace) }) // it may have ended by itself
}

// Abandon is End for a proxy whose ports somebody else needs: when it has returned, the listeners are not used any more and may be closed.
// Not ok: it has ended by itself, and Run says how.
func (p *Proxy) Abandon(grace time.Duration) (ok bool) {
	_, err := ask(context.Background(), p, func(l *loop) bool {
		l.deafen(backend)
		l.end(grace)
		return true
	})
	return err == nil
}
