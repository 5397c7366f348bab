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

// attend takes the plugin through its start, then watches its lanes and asks whether it is ready and alive.
func (p *pluginRole) attend(ctx context.Context, tell func(news)) {
	reply, err := p.begun(ctx, tell)
	if err != nil {
		tell(failedNews{err})
		return
	}
	var asking sync.WaitGroup
	lanes := p.home.roster.join(p.name.String(), 0)
	asking.Go(func() { followLanes(ctx, lanes, tell) })
	defer asking.Wait()
	tell(healthNews{reason: "has not answered its first health check", held: true})
	tell(startedNews{lanes: int(max(1, reply.Concurrency))})
	asking.Go(func() { p.askAlive(ctx, tell) })
	p.askReady(ctx, tell)
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

// askReady tells what the author's check says. It is the author's word that a worker is held for: who does not answer has not said no.
func (p *pluginRole) askReady(ctx context.Context, tell func(news)) {
	held := true
	h := p.svc.Health
	checks{Check: h.Ready, fast: p.l.bounds.poll, misses: h.Failures, ask: p.health}.run(ctx, func(reason string, heard bool) {
		if heard {
			held = reason != ""
		}
		tell(healthNews{reason, held})
	})
}

// askAlive tells when the plugin is not alive, and when it is after all. No answer is as good as no.
func (p *pluginRole) askAlive(ctx context.Context, tell func(news)) {
	c := p.svc.Health.Alive
	ask := func(ctx context.Context) (string, error) {
		reason, err := p.alive(ctx)
		if err != nil {
			reason = "no answer: " + err.Error()
		}
		return reason, nil
	}
	checks{Check: c, fast: c.Interval, assumed: true, ask: ask}.run(ctx, func(reason string, _ bool) {
		if reason != "" {
			reason = fmt.Sprintf("alive check failed %d/%d: %s", c.Failures, c.Failures, reason)
		}
		tell(silentNews{reason})
	})
}

// alive asks whether it works. That it answers in whatever way says so, but for no: it may know of no such check.
func (p *pluginRole) alive(ctx context.Context) (no string, err error) {
	reply, err := p.worker.Alive(ctx, &control.AliveRequest{})
	switch {
	case err == nil && !reply.Alive:
		return "it says: " + said(reply.Reason), nil
	case err != nil && unanswered(ctx, err):
		return "", errors.New(said(status.Convert(err).Message()))
	}
	return "", nil
}

// unanswered says that an error is not the plugin's.
func unanswered(ctx context.Context, err error) bool {
	code := status.Code(err)
	return code == codes.DeadlineExceeded || code == codes.Unavailable || ctx.Err() != nil
}

// health asks the author's own check. A status other than these two was sent by the plugin, so it answered.
func (p *pluginRole) health(ctx context.Context) (reason string, err error) {
	reply, err := p.worker.Health(ctx, &control.HealthRequest{})
	switch {
	case err == nil && reply.Ready:
		return "", nil
	case err == nil:
		return "its health check says: " + said(reply.Reason), nil
	case unanswered(ctx, err):
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
