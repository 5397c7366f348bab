package launch

import (
	"context"
	"strconv"
	"sync"

	"github.com/zfleet/zfleet/proxy/control"
)

// proxyRole is a service's proxy: zfleet itself, with the service's listeners.
type proxyRole struct{ *life }

func (p *proxyRole) argv() []string {
	return append([]string{p.l.opts.Self}, p.home.proxyArgs(p.svc.Delivery, p.l.bounds.terminate)...)
}

func (p *proxyRole) start() (*child, error) {
	if err := p.home.removeSocket(); err != nil {
		return nil, err
	}
	files, words := p.home.inherited()
	env := p.environ(nil, control.EnvSecret+"="+p.l.secret, control.EnvListeners+"="+words, lifelineAt(control.EnvLifeline, len(files)))
	p.ready.waits = "its control socket to answer"
	return p.spawn(env, append(files, p.l.lifeline.read), p.out.stream("stdout"))
}

// lifelineAt is the variable, by the name that the process knows it by, for a lifeline that follows so many other files.
func lifelineAt(name string, files int) string {
	return name + "=" + strconv.Itoa(firstExtraFile+files)
}

// attend asks for a snapshot until it is answered, then follows the lanes and goes on asking.
func (p *proxyRole) attend(ctx context.Context, tell func(news)) {
	for ctx.Err() == nil && p.answers(ctx) != nil {
		sleep(ctx, p.l.bounds.poll)
	}
	tell(startedNews{})
	var following sync.WaitGroup
	following.Go(func() { p.followEvents(ctx) })
	defer following.Wait()
	checks{
		fast:     p.l.bounds.poll,
		interval: p.svc.Health.Interval,
		timeout:  max(p.svc.Health.Timeout, p.l.bounds.proxyAnswer),
		failures: max(p.svc.Health.Failures, p.l.bounds.proxyMisses),
		ask:      func(ctx context.Context) (string, error) { return "", p.answers(ctx) },
	}.run(ctx, tell)
}

func (p *proxyRole) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.l.bounds.proxyAnswer)
	defer cancel()
	_, err := p.home.control.Snapshot(ctx)
	return err
}

// followEvents tells the roster of the proxy's lanes, and from the beginning when the stream breaks. It returns when the roster knows that
// there is no proxy any more.
func (p *proxyRole) followEvents(ctx context.Context) {
	for ctx.Err() == nil {
		p.home.roster.follow()
		err := p.home.control.Events(ctx, p.home.roster.event)
		p.home.roster.lost()
		sleep(ctx, p.l.bounds.poll)
		if ctx.Err() == nil { // it lives
			p.log.Warn().Err(err).Msg("the proxy's events are followed anew")
		}
	}
}

func (p *proxyRole) fault() error { return nil }

func (p *proxyRole) rungs() []rung { return p.proxyRungs() }

// clear ends connections to a proxy that is gone, so that the next one is not asked over them.
func (p *proxyRole) clear() { p.home.control.Close() }
