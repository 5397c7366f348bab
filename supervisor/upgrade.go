package supervisor

import (
	"context"
	"errors"
	"fmt"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

type upgradeRequest struct {
	service string
	by      string
	reply   chan upgradeReply
}

type upgradeReply struct {
	upgrade fleet.UpgradeView
	err     error
}

// Upgrade has a new proxy take over from that of a service ("": the first), and returns at once: how it ends is [Supervisor.Upgraded]'s. By is
// who asks, for event streams.
func (s *Supervisor) Upgrade(ctx context.Context, service, by string) (fleet.UpgradeView, error) {
	svc, err := s.find(service)
	if err != nil {
		return fleet.UpgradeView{}, fmt.Errorf("cannot upgrade a service: %v", err)
	}
	r := &upgradeRequest{service: svc.Name, by: by, reply: make(chan upgradeReply, 1)}
	return answerOf(ctx, s, r, r.reply, "upgrade "+svc.Name)
}

// answerOf asks for something about an upgrade. verb is what cannot be done then.
func answerOf(ctx context.Context, s *Supervisor, request any, reply <-chan upgradeReply, verb string) (fleet.UpgradeView, error) {
	answer, err := ask(ctx, s, request, reply)
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return fleet.UpgradeView{}, fmt.Errorf("cannot %s: %w", verb, err)
	}
	return answer.upgrade, nil
}

// upgrade is the loop's.
func (s *Supervisor) upgrade(r *upgradeRequest) {
	switch view := s.fleet.View(); {
	case view.Stopping:
		r.reply <- upgradeReply{err: errors.New("the fleet is shutting down")}
		return
	case isRemoved(viewOf(view, r.service)):
		r.reply <- upgradeReply{err: errRemoved}
		return
	}
	s.step(fleet.UpgradeAsked{Service: r.service, By: r.by})
	r.reply <- upgradeReply{upgrade: viewOf(s.fleet.View(), r.service).Upgrade}
}

// upgradedRequest waits for an upgrade's outcome.
type upgradedRequest struct {
	ctx     context.Context
	service string
	reply   chan upgradeReply
}

// Upgraded returns when the proxy of a service ("": the first) is not being replaced: the last upgrade is done or has failed, and the proxy
// before it has ended, or there never was one. It fails when waiting is in vain: the proxy is in a crash loop, or
// the service or the fleet ends.
func (s *Supervisor) Upgraded(ctx context.Context, service string) (fleet.UpgradeView, error) {
	svc, err := s.find(service)
	if err != nil {
		return fleet.UpgradeView{}, fmt.Errorf("cannot wait for a service: %v", err)
	}
	r := &upgradedRequest{ctx: ctx, service: svc.Name, reply: make(chan upgradeReply, 1)}
	return answerOf(ctx, s, r, r.reply, "wait for the upgrade of "+svc.Name)
}

func (r *upgradedRequest) answer(view fleet.View) (answered bool) {
	svc := viewOf(view, r.service)
	switch {
	case r.ctx.Err() != nil:
		return true
	case view.Stopping:
		r.reply <- upgradeReply{err: errors.New("the fleet is shutting down")}
		return true
	case isRemoved(svc):
		r.reply <- upgradeReply{err: errRemoved}
		return true
	case svc.Proxy.State == fleet.StateCrashloop:
		r.reply <- upgradeReply{err: fmt.Errorf("%v is in a crash loop: %s", svc.Proxy.Life, svc.Proxy.Reason)}
		return true
	case svc.Upgrade.State == fleet.UpgradeUpgrading || len(svc.Upgrade.Others) > 0:
		return false
	}
	r.reply <- upgradeReply{upgrade: svc.Upgrade}
	return true
}
