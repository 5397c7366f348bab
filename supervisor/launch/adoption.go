package launch

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// What becomes of the orphans that a Launcher is given. That of a service which is still declared is taken over from by the service's first
// proxy; if that fails, or nothing can be taken over from it, it is told to end, and the proxy after it has the same listeners.

// orphanOf is the orphan of a service, nil if there is none.
func (l *Launcher) orphanOf(service string) *Orphan {
	i := slices.IndexFunc(l.opts.Orphans, func(o *Orphan) bool { return o.Service == service })
	if i < 0 {
		return nil
	}
	return l.opts.Orphans[i]
}

// refused tells that nobody takes over from an orphan.
func (o *Orphan) refused(why string) fleet.Adopted {
	return fleet.Adopted{Service: o.Service, Pid: o.Pid, Clients: o.said.Clients, Waiting: o.said.Queued + o.said.Inflight, Failed: why}
}

// prepare sees to an orphan before its service's ports are bound: one that keeps them to itself has to end first.
func (l *Launcher) prepare(o *Orphan) {
	if o != nil && o.failed != "" {
		o.end(l.bounds.orphan)
	}
}

// takeOrphans makes them the launcher's: it has started, and nothing that it does to them is in vain.
func (l *Launcher) takeOrphans() {
	for _, o := range l.opts.Orphans {
		for _, ln := range o.given {
			ln.Own() // whoever made its file is gone
		}
	}
	l.dismissOrphans()
}

// forgetOrphans leaves them as they are: the launcher does not start, and the next one may want them.
func (l *Launcher) forgetOrphans() {
	for _, svc := range l.homes.list() {
		svc.orphan.Store(nil)
	}
	for _, o := range l.opts.Orphans {
		o.Release()
	}
}

// dismissOrphans tells those to end whose services are not declared any more. It does not wait.
func (l *Launcher) dismissOrphans() {
	for _, o := range l.opts.Orphans {
		if l.homes.of(o.Service) == nil {
			l.untold = append(l.untold, o.refused("its service is not in the fleet file any more"))
			l.endOrphan(o)
		}
	}
}

// endOrphan tells an orphan to end and waits for that beside everything else.
func (l *Launcher) endOrphan(o *Orphan) {
	gone := func() {
		o.end(l.bounds.orphan)
		l.buryOrphan(o)
	}
	if !l.lives.begin(gone) {
		gone()
	}
}

// buryOrphan forgets an orphan that has ended.
func (l *Launcher) buryOrphan(o *Orphan) {
	if group := l.opts.Cgroups.Kept(o.Pid); group != nil {
		group.End()
	}
	o.removeStale()
	o.Release()
	close(o.gone)
}

// removeStale removes the control socket of an orphan that was killed, unless another proxy has that path by now.
func (o *Orphan) removeStale() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := control.Listening(ctx, o.path); errors.Is(err, unix.ECONNREFUSED) {
		_ = os.Remove(o.path)
	}
}

// adopted tells that a proxy has taken over from an orphan, which has nothing left, and ends by itself.
func (p *proxyRole) adopted(clients, waiting int) {
	o := p.orphan
	p.orphan = nil
	p.tell(fleet.Adopted{Service: o.Service, Pid: o.Pid, Clients: clients, Waiting: waiting})
	p.l.lives.begin(func() {
		o.await(p.l.bounds.orphan.end)
		p.l.buryOrphan(o)
	})
}

// notAdopted tells that a proxy has ended before it could take over.
func (p *proxyRole) notAdopted(why string) {
	o := p.orphan
	p.orphan = nil
	p.tell(o.refused(why))
	p.l.endOrphan(o)
}
