package fleet

import "fmt"

// A proxy is replaced by another one that takes everything over from it while it serves: listeners, connections, requests. In the core the
// other one is its successor, as a worker's is. When it is ready it has the slot, and the old one, which has nothing left, ends by itself. When
// it fails, the old one serves on and the upgrade has failed: there is no second try that nobody asked for.

// UpgradeState is how the replacement of a service's proxy fares: upgrading → done | failed. A proxy that was never replaced has none.
type UpgradeState string

// The states of an upgrade.
const (
	UpgradeNone      UpgradeState = ""
	UpgradeUpgrading UpgradeState = "upgrading"
	UpgradeDone      UpgradeState = "done"
	UpgradeFailed    UpgradeState = "failed" // the proxy that was there serves on
)

// upgrade is the replacement of a service's proxy that is under way, or the last one.
type upgrade struct {
	number int // how many were asked for
	state  UpgradeState
	since  int // ticket of the wish
	reason string
	lines  []string
	before *Service // what was declared before the settings that it brings; nil: it brings none
}

func (u *upgrade) underWay() bool { return u.state == UpgradeUpgrading }

func (f *Fleet) upgradeAsked(ev UpgradeAsked) {
	if svc := f.serving(ev.Service); svc != nil {
		f.beginUpgrade(svc, nil, "an operator asked for it")
	}
}

// beginUpgrade wants a newer proxy. One that is under way becomes part of it, with what it would bring back.
func (f *Fleet) beginUpgrade(svc *service, before *Service, cause string) {
	if svc.upgrade.underWay() && svc.upgrade.before != nil {
		before = svc.upgrade.before
	}
	svc.upgrade = upgrade{number: svc.upgrade.number + 1, since: f.nextTicket(), before: before}
	f.noteUpgrade(svc, UpgradeUpgrading, cause)
	f.startAfresh(svc.proxy)
}

// renewProxy takes an upgrade as far as it can go now.
func (f *Fleet) renewProxy(svc *service) {
	p, u := svc.proxy, &svc.upgrade
	switch {
	case !u.underWay() || svc.leave != serving || p.state != StateReady:
	case p.born > u.since:
		f.noteUpgrade(svc, UpgradeDone, fmt.Sprintf("%v serves", p.life()))
		u.before = nil
	case p.successor == nil:
		f.start(f.makeSuccessor(p))
	}
}

// takeOver gives the slot to a successor that has taken everything over.
func (f *Fleet) takeOver(next *slot) {
	old := next.predecessor
	old.adopt(next)
	if old.state.alive() {
		old.svc.handed = append(old.svc.handed, old)
	}
	f.stop(old, fmt.Sprintf("handed over to %v", next.life()))
}

// hasHandedOver says whether a proxy has ended because another one has taken everything over, and is about to say so.
func (s *slot) hasHandedOver(e Exit) bool {
	return s.isProxy() && s.hasHeir() && e.Code == 0 && e.Signal == ""
}

// hasHeir says whether somebody will have the slot when its process is gone.
func (s *slot) hasHeir() bool { return s.successor != nil && s.successor.state.up() }

// served says whether a proxy is there, or one that is to take over from it.
func (svc *service) served() bool { return svc.proxy.state.up() || svc.proxy.hasHeir() }

// handedOver is the end of such a proxy.
func (f *Fleet) handedOver(old *slot) {
	next := old.successor
	old.adopt(next)
	next.since = f.now // it has everything: what it may still take is what any start may
	f.free(old, fmt.Sprintf("handed over to %v", next.life()))
}

// failUpgrade is the end of a successor that could not take over. What was declared before holds again.
func (f *Fleet) failUpgrade(s *slot, e Exit, cause string) {
	svc, name := s.svc, s.life()
	f.free(s, cause)
	if !svc.upgrade.underWay() {
		return
	}
	svc.upgrade.lines = e.LastLines
	if before := svc.upgrade.before; before != nil {
		svc.Frontend, svc.Backend, svc.Delivery = before.Frontend, before.Backend, before.Delivery
	}
	f.noteUpgrade(svc, UpgradeFailed, fmt.Sprintf("%v did not take over: %s", name, cause))
	svc.upgrade.before = nil
}

func (f *Fleet) noteUpgrade(svc *service, to UpgradeState, cause string) {
	svc.upgrade.state, svc.upgrade.reason = to, ""
	if to == UpgradeFailed {
		svc.upgrade.reason = cause
	}
	f.act(UpgradeNote{Service: svc.Name, To: to, Declared: svc.upgrade.before != nil, Cause: cause, LastLines: svc.upgrade.lines})
}

// proxies are the service's proxy, who is to take over from it, and who has handed over and not ended.
func (svc *service) proxies() []*slot {
	all := []*slot{svc.proxy}
	if svc.proxy.successor != nil {
		all = append(all, svc.proxy.successor)
	}
	return append(all, svc.handed...)
}

// UpgradeView is a service's upgrade in a View, or its last one.
type UpgradeView struct {
	Number    int // counts those that were asked for; 0: none was
	State     UpgradeState
	Reason    string     // why it failed
	LastLines []string   // that the new proxy printed then
	Others    []SlotView // proxies beside the one that serves: who is to take over, who has handed over and not ended
}

func (svc *service) upgradeView() UpgradeView {
	u := svc.upgrade
	v := UpgradeView{Number: u.number, State: u.state, Reason: u.reason, LastLines: u.lines}
	for _, p := range svc.proxies()[1:] {
		v.Others = append(v.Others, p.view())
	}
	return v
}

// String is what there is to say of an upgrade that is under way or has failed, with a comma before it.
func (v UpgradeView) String() string {
	switch v.State {
	case UpgradeUpgrading:
		return ", upgrading"
	case UpgradeFailed:
		return ", upgrade failed: " + v.Reason
	default:
		return ""
	}
}
