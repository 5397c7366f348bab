package fleet

import (
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// world is what the core's actions would have done outside: the processes, and who was told what. The properties ask it, not the core.
type world struct {
	*rapid.T
	fleet     *Fleet
	budget    int
	surge     int
	minReady  time.Duration
	now       time.Time
	want      map[string]int  // of the services that are declared
	leaving   map[string]bool // those that were removed and are not gone yet
	held      map[string]bool // by an operator, of those with autoscaling
	alive     map[Life]*process
	lives     []Life // every one that was ever started
	asked     int    // for a shutdown
	killing   bool
	emptying  map[string]bool // told to quiesce
	quiesced  map[string]bool
	finished  int
	scaling   bool            // the event under way is Scaled
	silent    map[Life]bool   // told that they do not answer their health checks, and not otherwise since
	lost      map[place]bool  // where a life was killed for that, and none has become ready since
	upgrading map[string]bool // its proxy may have another one beside it
	outdated  map[Life]bool   // who lived when a restart was asked for that has not been given up
}

type place struct {
	service string
	slot    int
}

type process struct {
	proven   bool // it was ready once
	ready    bool
	declined bool      // it says itself that it is not
	stopped  bool      // told to stop
	since    time.Time // it became ready
	killed   bool
}

// unproven: it is being started and nobody has given up on it.
func (p *process) unproven() bool { return !p.proven && !p.told() }

func (p *process) told() bool { return p.stopped || p.killed }

func newWorld(t *rapid.T) *world {
	w := &world{
		T: t, budget: rapid.IntRange(1, 3).Draw(t, "budget"), now: time.Unix(0, 0),
		want: map[string]int{}, leaving: map[string]bool{}, held: map[string]bool{}, alive: map[Life]*process{}, upgrading: map[string]bool{},
		emptying: map[string]bool{}, quiesced: map[string]bool{}, outdated: map[Life]bool{}, silent: map[Life]bool{}, lost: map[place]bool{},
		minReady: time.Duration(rapid.IntRange(0, 1).Draw(t, "min_ready")) * 5 * time.Second,
		surge:    rapid.IntRange(1, 2).Draw(t, "surge"),
	}
	spec := Spec{MaxStarting: w.budget}
	for _, name := range names[:rapid.IntRange(1, 3).Draw(t, "services")] {
		svc := w.declared(name, rapid.IntRange(0, 4).Draw(t, "count"))
		w.want[name] = svc.Workers.Count
		spec.Services = append(spec.Services, svc)
	}
	w.fleet = New(spec, func() float64 { return rapid.Float64Range(0, 0.999).Draw(t, "jitter") })
	return w
}

// declared is a service of this world. One of them is autoscaled.
func (w *world) declared(name string, count int) Service {
	svc := testService(name, count)
	svc.Workers.MaxRequests, svc.Workers.MaxSurge, svc.Workers.MinReady = 100, Share{N: w.surge}, w.minReady
	svc.Health.MaxUnhealthy = Share{Percent: 50}
	if name == autoscaled {
		svc.Autoscale.Max = 6
	}
	return svc
}

// names are the services that there may be.
var names = []string{"a", "b", "c"}

const autoscaled = "a"

// step gives the core an event, does what it says and checks that it may.
func (w *world) step(ev Event) {
	for _, a := range w.fleet.Step(w.now, ev) {
		switch a := a.(type) {
		case Start:
			w.start(a.Life)
		case Stop:
			w.stop(a.Life)
		case Kill:
			w.kill(a.Life)
		case Abort:
			w.kill(a.Life)
			w.abort(a)
		case Quiesce:
			w.told(a.Service)
		case Gone:
			w.gone(a.Service)
		case Finish:
			w.finish()
		}
	}
	w.check()
}

func (w *world) start(l Life) {
	if slices.Contains(w.lives, l) {
		w.Fatalf("%v is started twice", l)
	}
	if _, declared := w.want[l.Service]; (w.ending(l.Service) || !declared) && !w.mayReturn(l) {
		w.Fatalf("%v is started and its service is told to end", l)
	}
	for other := range w.alive {
		if l.Slot == ProxySlot && other.Service == l.Service && other.Slot == l.Slot && !w.upgrading[l.Service] {
			w.Fatalf("%v is started while %v is alive", l, other)
		}
	}
	w.lives = append(w.lives, l)
	w.alive[l] = &process{}
}

// mayReturn: while its proxy still holds requests, a worker that failed comes back to answer them.
func (w *world) mayReturn(l Life) bool {
	return !w.killing && l.Slot != ProxySlot && w.emptying[l.Service] && !w.quiesced[l.Service] && w.count(proxyUp(l.Service)) > 0
}

func (w *world) stop(l Life) {
	p := w.alive[l]
	if p == nil || p.told() {
		w.Fatalf("%v is told to stop: %+v", l, p)
	}
	p.stopped = true
	switch {
	case !w.ending(l.Service) && !w.scaling && p.ready && w.count(readyIn(l)) == 0:
		w.Fatalf("%v serves and is told to stop, and nobody has its place", l)
	case !w.ending(l.Service) && !w.scaling && l.Slot != ProxySlot && p.ready && w.count(w.tooNew(l)) > 0:
		w.Fatalf("%v serves and is told to stop, and who has its place is not ready for %v yet", l, w.minReady)
	case !w.ending(l.Service) && l.Slot == ProxySlot && w.count(readyIn(l)) == 0:
		w.Fatalf("the proxy %v is told to stop", l)
	case l.Slot == ProxySlot && w.count(readyIn(l)) == 0 && (!w.quiesced[l.Service] || w.count(workerOf(l.Service)) > 0):
		w.Fatalf("the proxy %v is told to stop before it holds nothing and its workers are gone", l)
	case w.ending(l.Service) && l.Slot != ProxySlot && !w.quiesced[l.Service] && w.count(proxyUp(l.Service)) > 0:
		w.Fatalf("%v is told to stop before its proxy holds nothing", l)
	}
}

func (w *world) kill(l Life) {
	p := w.alive[l]
	if p == nil || p.killed && !w.killing {
		w.Fatalf("%v is killed: %+v", l, p)
	}
	p.killed = true
}

// silence is the reason of workers that do not answer their health checks.
const silence = "no answer to 3 health checks"

// abort: of those who are silent no more are killed than max_unhealthy says, 50 %.
func (w *world) abort(a Abort) {
	if a.Reason != silence {
		return
	}
	if !w.silent[a.Life] {
		w.Fatalf("%v is killed because it is silent, and it is not", a.Life)
	}
	at := place{a.Life.Service, a.Life.Slot}
	if w.lost[at] { // what is lost already is no further loss, though fewer may be lost since
		return
	}
	w.lost[at] = true
	for _, svc := range w.fleet.View().Services { // the same step may have scaled down
		w.forgetUnwanted(svc)
	}
	n := 0
	for p := range w.lost {
		if p.service == a.Life.Service {
			n++
		}
	}
	if most := max(1, w.want[a.Life.Service]/2); !w.ending(a.Life.Service) && n > most {
		w.Fatalf("%d of %s are killed because they are silent, at most %d may be\n%s", n, a.Life.Service, most, w.fleet.Describe())
	}
}

// becameSilent is what a launcher tells of a worker that does not answer.
func (w *world) becameSilent(l Life) {
	w.alive[l].ready, w.alive[l].declined = false, false
	w.step(BecameUnready{Life: l, Reason: silence})
	w.silent[l] = l.Slot != ProxySlot
	w.step(Hung{Life: l, Reason: silence, Silent: true})
}

// forgetUnwanted: places that are not wanted any more are no loss.
func (w *world) forgetUnwanted(svc ServiceView) {
	wanted := map[int]bool{}
	for _, s := range svc.Workers {
		wanted[s.Life.Slot] = wanted[s.Life.Slot] || s.State.wanted()
	}
	maps.DeleteFunc(w.lost, func(p place, _ bool) bool { return p.service == svc.Name && !wanted[p.slot] })
}

// checkHealth: a service is degraded when, and as long as, somebody silent is left alone, or nobody is ready and somebody declines.
func (w *world) checkHealth(svc ServiceView) {
	left, declined, ready := false, false, false
	for _, s := range svc.Workers {
		p := w.alive[s.Life]
		running := p != nil && !p.told()
		ready = ready || running && p.ready
		declined = declined || running && p.proven && p.declined
		left = left || p != nil && w.silent[s.Life] && !p.told()
	}
	w.forgetUnwanted(svc)
	if (left || declined && !ready) != (svc.Degraded != "") {
		w.Fatalf("%s: degraded: %q\n%s", svc.Name, svc.Degraded, w.fleet.Describe())
	}
}

// ending: the service has been told to end, by itself or with all.
func (w *world) ending(service string) bool { return w.asked > 0 || w.leaving[service] }

// told: a service is to be quiesced.
func (w *world) told(service string) {
	if !w.ending(service) || w.asked > 1 || w.emptying[service] || w.count(proxyUp(service)) == 0 {
		w.Fatalf("%s is quiesced", service)
	}
	w.emptying[service] = true
}

func (w *world) gone(service string) {
	if !w.leaving[service] || w.count(of(service)) > 0 {
		w.Fatalf("%s is gone, and it is not", service)
	}
	delete(w.leaving, service)
	delete(w.emptying, service)
	delete(w.quiesced, service)
	maps.DeleteFunc(w.lost, func(p place, _ bool) bool { return p.service == service })
}

func (w *world) finish() {
	w.finished++
	if w.asked == 0 || len(w.alive) > 0 || w.finished > 1 {
		w.Fatalf("finished %d times, asked %d times, alive: %v", w.finished, w.asked, w.alive)
	}
}

// check is what holds after every step.
func (w *world) check() {
	if n := w.count(unproven); n > w.budget {
		w.Fatalf("%d unproven starts, at most %d are allowed", n, w.budget)
	}
	for name, want := range w.want {
		if n := w.count(working(name)); n > want+w.surge {
			w.Fatalf("%s: %d alive and not told to stop, %d wanted", name, n, want)
		}
		if n := w.surplus(name); n > w.surge {
			w.Fatalf("%s: %d alive beside another of the same slot, %d may be", name, n, w.surge)
		}
	}
	if at, ok := w.fleet.Deadline(); ok && !at.After(w.now) {
		w.Fatalf("the deadline %v is not after %v", at, w.now)
	}
	w.checkServices()
	w.checkView()
}

// checkServices: a service is forgotten with its last process, and never before.
func (w *world) checkServices() {
	declared, all := map[string]bool{}, map[string]bool{}
	for _, svc := range w.fleet.Services() {
		declared[svc.Name] = true
	}
	for name := range w.leaving {
		all[name] = true
		if w.count(of(name)) == 0 {
			w.Fatalf("nothing is left of %s, and it is not gone\n%s", name, w.fleet.Describe())
		}
	}
	for name := range w.want {
		all[name] = true
	}
	for _, svc := range w.fleet.View().Services {
		if svc.Leaving != w.leaving[svc.Name] || svc.Leaving == declared[svc.Name] || !all[svc.Name] {
			w.Fatalf("%s: leaving: %t\n%s", svc.Name, svc.Leaving, w.fleet.Describe())
		}
		delete(all, svc.Name)
	}
	if len(all) > 0 {
		w.Fatalf("the view does not show %v\n%s", all, w.fleet.Describe())
	}
}

// checkView: the view tells of the same processes, and nobody waits for a turn while there is room.
func (w *world) checkView() {
	view, seen := w.fleet.View(), 0
	for _, svc := range view.Services {
		w.checkHealth(svc)
		w.checkUpgrade(svc)
		for _, s := range slices.Concat([]SlotView{svc.Proxy}, svc.Upgrade.Others, svc.Workers) {
			p := w.alive[s.Life]
			if s.State.alive() != (p != nil) {
				w.Fatalf("%v is said to be %s, and it is %+v\n%s", s.Life, s.State, p, w.fleet.Describe())
			}
			if p != nil {
				seen++
			}
			if p != nil && (s.State == StateReady) != (p.ready && !p.told()) {
				w.Fatalf("%v is said to be %s, and it is %+v\n%s", s.Life, s.State, p, w.fleet.Describe())
			}
			if s.State == StatePending && w.count(unproven) < w.budget {
				w.Fatalf("%v waits though there is room\n%s", s.Life, w.fleet.Describe())
			}
		}
	}
	if seen != len(w.alive) {
		w.Fatalf("%d are alive, the view shows %d\n%s", len(w.alive), seen, w.fleet.Describe())
	}
}

// checkUpgrade: no more than two proxies of a service are not told to go, and a second one is there only while one takes over.
func (w *world) checkUpgrade(svc ServiceView) {
	if n := w.count(proxyUp(svc.Name)); n > 2 || n == 2 && svc.Upgrade.State != UpgradeUpgrading {
		w.Fatalf("%d proxies of %s\n%s", n, svc.Name, w.fleet.Describe())
	}
}

func (w *world) count(is func(Life, *process) bool) (n int) {
	for l, p := range w.alive {
		if is(l, p) {
			n++
		}
	}
	return n
}

// surplus is how many processes of a service are not the only one of their slot.
func (w *world) surplus(name string) (n int) {
	slots := map[int]int{}
	for l := range w.alive {
		if l.Service == name && l.Slot != ProxySlot {
			slots[l.Slot]++
		}
	}
	for _, lives := range slots {
		n += lives - 1
	}
	return n
}

// readyIn: another one of the same slot is ready.
func readyIn(of Life) func(Life, *process) bool {
	return func(l Life, p *process) bool {
		return l.Service == of.Service && l.Slot == of.Slot && l != of && p.ready && !p.told()
	}
}

func of(service string) func(Life, *process) bool {
	return func(l Life, _ *process) bool { return l.Service == service }
}

// tooNew: it is to have the place of a worker, and has not been ready for long enough.
func (w *world) tooNew(of Life) func(Life, *process) bool {
	return func(l Life, p *process) bool {
		return readyIn(of)(l, p) && l.N > of.N && w.now.Sub(p.since) < w.minReady
	}
}

func unproven(l Life, p *process) bool { return l.Slot != ProxySlot && p.unproven() }

func workerOf(service string) func(Life, *process) bool {
	return func(l Life, _ *process) bool { return l.Service == service && l.Slot != ProxySlot }
}

func working(service string) func(Life, *process) bool {
	return func(l Life, p *process) bool { return workerOf(service)(l, p) && !p.told() }
}

func proxyUp(service string) func(Life, *process) bool {
	return func(l Life, p *process) bool { return l.Service == service && l.Slot == ProxySlot && !p.told() }
}

// sorted is the living in a fixed order, as rapid needs it.
func (w *world) sorted() []Life {
	return slices.SortedFunc(maps.Keys(w.alive), func(a, b Life) int { return strings.Compare(a.String(), b.String()) })
}

func (w *world) becameReady(l Life) {
	if p := w.alive[l]; p != nil {
		delete(w.silent, l)
		if !p.told() {
			delete(w.lost, place{l.Service, l.Slot})
		}
		if !p.ready {
			p.since = w.now
		}
		p.ready, p.declined = true, false
		p.proven = p.proven || !p.told()
	}
	w.step(BecameReady{Life: l})
}

func (w *world) exit(l Life, e Exit) {
	delete(w.alive, l)
	w.step(Exited{Life: l, Exit: e})
}

func (w *world) scale(service string, want int) {
	if w.serves(service) {
		w.want[service], w.held[service] = want, true
	}
	w.scaling = true
	w.step(Scaled{Service: service, Want: want})
	w.scaling = false
}

// autoscale is obeyed while no operator's number holds.
func (w *world) autoscale(service string, want int) {
	if w.serves(service) && !w.held[service] && service == autoscaled {
		w.want[service] = want
	}
	w.scaling = true
	w.step(AutoScaled{Service: service, Want: want, Reason: "wait 120ms > 50ms"})
	w.scaling = false
}

func (w *world) auto(service string) {
	w.held[service] = false
	w.step(AutoAsked{Service: service})
}

// restart notes who is to go.
func (w *world) restart(service string, slot int) {
	for l, p := range w.alive {
		if w.serves(service) && l.Service == service && l.Slot >= 0 && !p.told() && (slot == AllSlots || slot == l.Slot) {
			w.outdated[l] = true
		}
	}
	w.step(RestartAsked{Service: service, Slot: slot})
}

func (w *world) reload(name string, proxy, roll bool) {
	svc := w.declared(name, 0)
	svc.Delivery.Queue = len(w.lives) // another one each time
	w.upgrading[name] = w.upgrading[name] || proxy
	for l, p := range w.alive {
		if roll && w.serves(name) && l.Service == name && l.Slot >= 0 && !p.told() {
			w.outdated[l] = true
		}
	}
	w.step(Reloaded{Service: svc, Proxy: proxy, Roll: roll})
}

// upgrade notes that the proxy is to go, unless its successor fails.
func (w *world) upgrade(name string) {
	w.upgrading[name] = true
	w.step(UpgradeAsked{Service: name})
}

func (w *world) undo(service string) {
	maps.DeleteFunc(w.outdated, func(l Life, _ bool) bool { return l.Service == service })
	w.step(UndoAsked{Service: service})
}

// serves: it is declared and not told to end.
func (w *world) serves(service string) bool {
	_, declared := w.want[service]
	return declared && w.asked == 0
}

// add is ignored for a service that there is, or that is on its way out.
func (w *world) add(name string, count int) {
	if _, declared := w.want[name]; !declared && !w.ending(name) {
		w.want[name] = count
	}
	w.step(Added{Service: w.declared(name, count), At: count})
}

func (w *world) remove(name string) {
	if _, declared := w.want[name]; declared {
		w.leaving[name] = true
	}
	delete(w.want, name)
	delete(w.held, name)
	maps.DeleteFunc(w.outdated, func(l Life, _ bool) bool { return l.Service == name })
	w.step(Removed{Service: name})
}

func (w *world) shutdown(now bool) {
	w.asked++
	w.killing = w.killing || now || w.asked > 1
	w.step(ShutdownAsked{Now: now})
}

func (w *world) reachDeadline() bool {
	at, ok := w.fleet.Deadline()
	if ok {
		w.now = at
		w.step(TimePassed{})
	}
	return ok
}
