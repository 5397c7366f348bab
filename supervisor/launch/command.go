package launch

import (
	"context"

	"github.com/zfleet/zfleet/workerkit/control"
)

// commandRole is a worker of any kind that connects a REP socket: it is told where in its environment, and is ready when it has.
type commandRole struct{ *life }

func (c *commandRole) argv() []string { return c.svc.Workers.Command }

func (c *commandRole) start() (*child, error) {
	c.ready.want = 1
	own := append(c.identity(), control.EnvBackend+"="+c.home.ports.connect(c.svc)) // a plugin's Start says it
	return c.spawn(c.environ(c.svc.Workers.Env, own...), nil, c.out.stream("stdout"))
}

// identity is what every worker finds in its environment.
func (li *life) identity() []string {
	return []string{
		control.EnvWorker + "=" + li.name.String(),
		control.EnvService + "=" + li.svc.Name,
		li.l.tag(),
	}
}

func (c *commandRole) attend(ctx context.Context, tell func(news)) {
	followLanes(ctx, c.home.roster.join(c.name.String(), c.child.pid), tell)
}

func followLanes(ctx context.Context, lanes <-chan laneNews, tell func(news)) {
	for {
		select {
		case n := <-lanes:
			tell(n)
		case <-ctx.Done():
			return
		}
	}
}

func (c *commandRole) fault() error { return nil }

func (c *commandRole) rungs() []rung { return c.workerRungs(nil) }

func (c *commandRole) clear() {}
