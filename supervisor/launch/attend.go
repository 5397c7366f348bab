package launch

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zfleet/zfleet/workerkit/control"
)

// attend takes the plugin through its start, then watches its lanes and its health.
func (p *pluginRole) attend(ctx context.Context, tell func(news)) {
	reply, err := p.begun(ctx, tell)
	if err != nil {
		tell(failedNews{err})
		return
	}
	var following sync.WaitGroup
	lanes := p.home.roster.join(p.name.String(), 0)
	following.Go(func() { followLanes(ctx, lanes, tell) })
	defer following.Wait()
	tell(healthNews{"has not answered its first health check"})
	tell(startedNews{lanes: int(max(1, reply.Concurrency))})
	h := p.svc.Health
	checks{fast: p.l.bounds.poll, interval: h.Interval, timeout: h.Timeout, failures: h.Failures, ask: p.health}.run(ctx, tell)
}

// begun takes the plugin through its start: the handshake, and the answer to Start.
func (p *pluginRole) begun(ctx context.Context, tell func(news)) (*control.StartReply, error) {
	select {
	case d := <-p.dialled:
		if d.err != nil {
			return nil, p.unlessDead(ctx, d.err)
		}
		p.worker = d.worker
	case <-p.wrong:
		return nil, p.junk
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	tell(waitsNews{"its answer to Start"})
	reply, err := p.worker.Start(ctx, &control.StartRequest{
		Worker:      p.name.String(),
		Service:     p.svc.Name,
		Backends:    []string{p.home.ports.connect(p.svc)},
		Secret:      p.l.secret,
		Concurrency: int32(p.svc.Workers.Concurrency),
	})
	if err != nil {
		return nil, p.unlessDead(ctx, fmt.Errorf("the plugin could not start: %s", said(status.Convert(err).Message())))
	}
	return reply, nil
}

// unlessDead is an error that may come from the process's end. It waits a moment for the life to hear of that: how it ended says more.
func (p *pluginRole) unlessDead(ctx context.Context, err error) error {
	sleep(ctx, p.l.bounds.tail)
	return err
}

// health asks the author's own check. A status other than these two was sent by the plugin, so it answered.
func (p *pluginRole) health(ctx context.Context) (reason string, err error) {
	reply, err := p.worker.Health(ctx, &control.HealthRequest{})
	switch code := status.Code(err); {
	case err == nil && reply.Ready:
		return "", nil
	case err == nil:
		return "its health check says: " + said(reply.Reason), nil
	case code == codes.DeadlineExceeded || code == codes.Unavailable || ctx.Err() != nil:
		return "", errors.New(said(status.Convert(err).Message()))
	}
	return "its health check failed: " + said(status.Convert(err).Message()), nil
}

func (p *pluginRole) rungs() []rung {
	if p.worker == nil {
		return p.workerRungs(nil)
	}
	return p.workerRungs(func(ctx context.Context) error {
		_, err := p.worker.Drain(ctx, &control.DrainRequest{})
		return err
	})
}

// said is what a plugin says of itself, fit for a sentence.
func said(text string) string { return shorten(plain([]byte(text)), maxKept) }
