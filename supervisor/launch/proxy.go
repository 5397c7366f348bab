package launch

import (
	"context"
	"fmt"

	"strconv"
	"sync"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// proxyRole is a service's proxy: zfleet itself, with the service's listeners. While another proxy of the service lives, or one that a killed
// supervisor left, it takes over from that.
type proxyRole struct {
	*life
	takesOver bool
	served    bool            // it had the ports and the socket
	counted   bool            // among the service's living proxies
	orphan    *Orphan         // that it takes over from, until it has or cannot; nil: none
	control   *control.Client // of this process alone; nil: there is none yet
}

func (p *proxyRole) argv() []string {
	args := p.home.proxyArgs(p.svc, p.l.bounds.terminate, p.l.opts.Spec.OrphanGrace)
	args = append(args, probeArgs(p.svc.Health)...)
	if p.takesOver {
		args = append(args, "--take-over", p.home.socket)
	}
	if p.orphan != nil {
		args = append(args, "--forget-workers")
	}
	return append([]string{p.l.opts.Self}, args...)
}

func (p *proxyRole) start() (*child, error) {
	p.orphan = p.home.orphan.Swap(nil)
	if p.orphan != nil && p.orphan.failed != "" {
		p.notAdopted(p.orphan.failed)
	}
	p.takesOver = p.orphan != nil || p.home.proxies.Load() > 0
	p.home.began.Store(true)
	if !p.takesOver { // or else somebody is still there
		if err := p.home.removeSocket(); err != nil {
			return nil, err
		}
	}
	files, words := p.home.ports.inherited(p.svc)
	env := p.environ(nil, control.EnvSecret+"="+p.l.secret, control.EnvListeners+"="+words, lifelineAt(control.EnvLifeline, len(files)))
	p.ready.waits = "its control socket to answer"
	if p.orphan != nil {
		p.out.repeat("orphan", p.orphan.lines)
	}
	child, err := p.spawn(env, append(files, p.l.lifeline.read), p.out.stream("stdout"))
	if err == nil {
		p.counted = true
		p.home.proxies.Add(1)
	}
	return child, err
}

// lifelineAt is the variable, by the name that the process knows it by, for a lifeline that follows so many other files.
func lifelineAt(name string, files int) string {
	return name + "=" + strconv.Itoa(firstExtraFile+files)
}

// attend asks for a snapshot until it is answered, then follows the lanes and goes on asking. At the same path another proxy may answer until
// this one has taken over: that is not its answer.
func (p *proxyRole) attend(ctx context.Context, tell func(news)) {
	p.control = control.DialProcess(p.home.socket, p.child.pid)
	for ctx.Err() == nil && p.answers(ctx) != nil {
		sleep(ctx, p.l.bounds.poll)
	}
	if ctx.Err() == nil {
		p.serves(ctx)
	}
	tell(startedNews{})
	var following sync.WaitGroup
	following.Go(func() { p.followEvents(ctx) })
	defer following.Wait()
	checks{
		Check:  fleet.Check{Interval: p.svc.Health.Interval, Timeout: max(p.svc.Health.Timeout, p.l.bounds.proxyAnswer)},
		fast:   p.l.bounds.poll,
		misses: max(p.svc.Health.Failures, p.l.bounds.proxyMisses),
		ask:    func(ctx context.Context) (string, error) { return "", p.answers(ctx) },
	}.run(ctx, func(reason string, _ bool) { tell(silentNews{reason}) })
}

// serves notes that this is the proxy that has the ports and the control socket now.
func (p *proxyRole) serves(ctx context.Context) {
	p.served = true
	p.home.serving.Store(&p.name)
	p.home.control.Close() // connections to the one before
	if p.orphan == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, p.l.bounds.ask)
	defer cancel()
	said, err := p.control.Snapshot(ctx)
	if err != nil {
		said = p.orphan.said
	}
	p.adopted(said.Clients, said.Queued+said.Inflight)
}

func (p *proxyRole) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.l.bounds.proxyAnswer)
	defer cancel()
	_, err := p.control.Snapshot(ctx)
	return err
}

// followEvents tells the roster of the proxy's lanes, and from the beginning when the stream breaks. It returns when the roster knows that
// this proxy tells nothing any more.
func (p *proxyRole) followEvents(ctx context.Context) {
	for ctx.Err() == nil {
		stream := p.home.roster.follow()
		p.home.holds.follow()
		err := p.control.Events(ctx, func(e control.Event) { p.home.roster.event(stream, e) })
		p.home.holds.lost()
		p.home.roster.lost(stream, p.home.proxies.Load() > 1)
		sleep(ctx, p.l.bounds.poll)
		if ctx.Err() == nil { // it lives
			p.log.Warn().Err(err).Msg("the proxy's events are followed anew")
		}
	}
}

func (p *proxyRole) fault() error { return nil }

func (p *proxyRole) rungs() []rung {
	terminate := rung{rungTerminated, p.l.bounds.terminate, p.terminate}
	if !p.served || *p.home.serving.Load() == p.name {
		return []rung{terminate}
	}
	return []rung{{rungHandedOver, p.l.bounds.terminate, p.awaitEnd}, terminate}
}

// awaitEnd waits for a proxy to end that has handed over to another one.
func (p *proxyRole) awaitEnd(ctx context.Context, drained bool) bool {
	select {
	case <-p.child.alive.Done():
	case <-ctx.Done():
	}
	return drained
}

// clear ends connections to a proxy that is gone, so that the next one is not asked over them.
func (p *proxyRole) clear() {
	if p.orphan != nil {
		p.notAdopted(fmt.Sprintf("%v ended before it had taken over", p.name))
	}
	if p.counted && p.home.proxies.Add(-1) == 0 {
		p.home.roster.gone()
	}
	if p.control != nil {
		p.control.Close()
	}
	p.home.control.Close()
}

// outliving says whether a life's process outlives the supervisor.
func outliving(name fleet.Life) fate { return fate(name.Slot == fleet.ProxySlot) }
