package fleet

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestProperties lets the world do what it likes, checks every step (world.check), and in the end lets it behave: the fleet must become
// what was wanted, and end when asked.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.step(Began{})
		t.Repeat(map[string]func(*rapid.T){
			"becomes ready":   func(t *rapid.T) { w.becameReady(w.pick(t)) },
			"becomes unready": w.somebodyUnready,
			"declines":        w.somebodyUnready,
			"hangs":           func(t *rapid.T) { w.step(Hung{Life: w.pick(t), Reason: "no answer"}) },
			"is silent":       func(t *rapid.T) { w.becameSilent(w.pick(t)) },
			"is silent again": func(t *rapid.T) { w.becameSilent(w.pick(t)) },
			"exits":           func(t *rapid.T) { w.exit(w.pick(t), anyExit(t)) },
			"exits again":     func(t *rapid.T) { w.exit(w.pick(t), anyExit(t)) }, // it is the commonest: without it little ever restarts
			"is launched":     func(t *rapid.T) { w.step(Launched{Life: w.pick(t), Pid: 1}) },
			"has drained":     func(t *rapid.T) { w.step(DrainEnded{Life: w.pick(t)}) },
			"late news":       w.lateNews,
			"scale":           func(t *rapid.T) { w.scale(w.service(t), rapid.IntRange(0, 6).Draw(t, "want")) },
			"autoscale":       func(t *rapid.T) { w.autoscale(w.service(t), rapid.IntRange(0, 6).Draw(t, "want")) },
			"auto":            func(t *rapid.T) { w.auto(w.service(t)) },
			"observed":        w.somebodyObserved,
			"measured":        w.somebodyMeasured,
			"restart":         func(t *rapid.T) { w.restart(w.service(t), rapid.SampledFrom([]int{AllSlots, 0, 1, 5}).Draw(t, "slot")) },
			"reload":          func(t *rapid.T) { w.reload(w.service(t), rapid.Bool().Draw(t, "proxy"), rapid.Bool().Draw(t, "roll")) },
			"upgrade":         func(t *rapid.T) { w.upgrade(w.service(t)) },
			"hands over":      w.somebodyHandsOver,
			"add":             func(t *rapid.T) { w.add(w.service(t), rapid.IntRange(0, 4).Draw(t, "count")) },
			"remove":          w.somebodyRemoved,
			"continue":        func(t *rapid.T) { w.step(ContinueAsked{Service: w.service(t)}) },
			"undo":            func(t *rapid.T) { w.undo(w.service(t)) },
			"time passes":     w.timePasses,
			"deadline":        func(t *rapid.T) { w.reachDeadline() },
			"shutdown":        w.maybeShutdown,
			"quiesced":        w.maybeQuiesced,
		})
		w.converges()
		w.ends()
	})
}

func (w *world) pick(t *rapid.T) Life {
	if len(w.alive) == 0 {
		t.Skip("nothing lives")
	}
	return rapid.SampledFrom(w.sorted()).Draw(t, "life")
}

func (w *world) service(t *rapid.T) string {
	return rapid.SampledFrom(names).Draw(t, "service")
}

func anyExit(t *rapid.T) Exit {
	return rapid.SampledFrom([]Exit{
		{Code: 1}, {Code: 0}, {Code: -1, Signal: "SIGKILL"}, {Code: 1, Rung: "drained"}, {Code: 78}, {Code: -1, Permanent: true},
	}).Draw(t, "exit")
}

func (w *world) somebodyUnready(t *rapid.T) {
	l := w.pick(t)
	w.alive[l].ready, w.alive[l].declined = false, rapid.Bool().Draw(t, "declined")
	delete(w.silent, l)
	w.step(BecameUnready{Life: l, Reason: "not now", Declined: w.alive[l].declined})
}

// somebodyHandsOver: a proxy that another one takes over from ends with 0, before the other one says that it serves.
func (w *world) somebodyHandsOver(t *rapid.T) {
	name := w.service(t)
	for _, svc := range w.fleet.View().Services {
		if svc.Name == name && len(svc.Upgrade.Others) > 0 && w.alive[svc.Proxy.Life] != nil {
			w.exit(svc.Proxy.Life, Exit{Code: 0})
			return
		}
	}
	t.Skip("nobody takes over")
}

// lateNews of a life that is dead or never was must change nothing at all.
func (w *world) lateNews(t *rapid.T) {
	l := Life{w.service(t), rapid.IntRange(-2, 8).Draw(t, "slot"), rapid.IntRange(-1, 6).Draw(t, "n")}
	if w.alive[l] != nil {
		t.Skip("it lives")
	}
	before := w.fleet.Describe()
	news := []Event{
		Exited{Life: l}, BecameReady{Life: l}, BecameUnready{Life: l}, Hung{Life: l}, DrainEnded{Life: l}, Launched{Life: l, Pid: 2},
	}
	w.step(rapid.SampledFrom(news).Draw(t, "news"))
	if after := w.fleet.Describe(); after != before {
		t.Fatalf("news of %v changed\n%sto\n%s", l, before, after)
	}
}

func (w *world) somebodyObserved(t *rapid.T) {
	ev := Observed{Service: w.service(t), Inflight: map[Life]int{}}
	for _, l := range w.sorted() {
		ev.Inflight[l] = rapid.IntRange(0, 3).Draw(t, "inflight")
	}
	w.step(ev)
}

func (w *world) somebodyMeasured(t *rapid.T) {
	ev := Measured{Service: w.service(t), Workers: map[Life]Measure{}}
	for _, l := range w.sorted() {
		ev.Workers[l] = Measure{Requests: uint64(rapid.IntRange(50, 110).Draw(t, "requests")), Stale: rapid.Bool().Draw(t, "stale")}
	}
	w.step(ev)
}

func (w *world) timePasses(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 70000).Draw(t, "ms")) * time.Millisecond)
	w.step(TimePassed{})
}

// maybeShutdown: rarely, or hardly anything else would be seen.
func (w *world) maybeShutdown(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "dice") > 0 {
		t.Skip("not yet")
	}
	w.shutdown(rapid.Bool().Draw(t, "now"))
}

func (w *world) maybeQuiesced(t *rapid.T) {
	name := w.service(t)
	w.quiesce(name)
}

// somebodyRemoved: a fleet has at least one service.
func (w *world) somebodyRemoved(t *rapid.T) {
	name := w.service(t)
	if _, declared := w.want[name]; declared && len(w.want) == 1 {
		t.Skip("it is the only one")
	}
	w.remove(name)
}

// quiesce tells that a proxy holds nothing.
func (w *world) quiesce(name string) {
	w.quiesced[name] = w.quiesced[name] || w.ending(name)
	w.step(Quiesced{Service: name})
}

// converges: once every process becomes ready and everyone who was told to go goes, as many are ready as are wanted.
func (w *world) converges() {
	for _, name := range names {
		w.quiesce(name)
	}
	w.behave()
	if len(w.leaving) > 0 {
		w.Fatalf("%v are leaving for ever\n%s", w.leaving, w.fleet.Describe())
	}
	if w.asked > 0 {
		return
	}
	for name := range w.want {
		w.scale(name, w.want[name]) // asks again for those that stopped for good
		w.step(ContinueAsked{Service: name})
	}
	w.behave()
	for _, svc := range w.fleet.View().Services {
		if n := w.count(workerOf(svc.Name)); n != w.want[svc.Name] || svc.Ready != n || svc.Want != n || svc.Proxy.State != StateReady {
			w.Fatalf("%s does not converge: %d run, %d wanted\n%s", svc.Name, n, w.want[svc.Name], w.fleet.Describe())
		}
		if n := w.count(proxyUp(svc.Name)); n != 1 || svc.Upgrade.State == UpgradeUpgrading {
			w.Fatalf("%s has %d proxies, upgrade %s\n%s", svc.Name, n, svc.Upgrade.State, w.fleet.Describe())
		}
		if svc.Degraded != "" {
			w.Fatalf("%s is degraded for ever\n%s", svc.Name, w.fleet.Describe())
		}
		if svc.Roll.State == RollRolling || svc.Roll.State == RollFrozen {
			w.Fatalf("%s is %s for ever\n%s", svc.Name, svc.Roll.State, w.fleet.Describe())
		}
	}
	for l := range w.outdated {
		if w.alive[l] != nil {
			w.Fatalf("%v outlived a restart\n%s", l, w.fleet.Describe())
		}
	}
	if at, ok := w.fleet.Deadline(); ok {
		w.Fatalf("all is well, and yet something is due at %v\n%s", at, w.fleet.Describe())
	}
}

// ends: after a shutdown and all exits it has finished, once, and nothing begins again.
func (w *world) ends() {
	w.shutdown(false)
	for _, name := range names {
		w.quiesce(name)
	}
	w.behave()
	if w.finished != 1 {
		w.Fatalf("finished %d times\n%s", w.finished, w.fleet.Describe())
	}
	w.now = w.now.Add(24 * time.Hour)
	for _, ev := range []Event{TimePassed{}, Began{}, Scaled{Service: "a", Want: 3}, AutoScaled{Service: "a", Want: 3}, AutoAsked{Service: "a"}, ShutdownAsked{}, Quiesced{Service: "a"}} {
		w.step(ev)
	}
}

// behave lets time pass and every process do what it should until nothing is left to do.
func (w *world) behave() {
	for range 1000 {
		if !w.settleOne() && !w.reachDeadline() {
			return
		}
	}
	w.Fatalf("it never comes to rest\n%s", w.fleet.Describe())
}

// settleOne lets the first do what it should that has not done it.
func (w *world) settleOne() bool {
	living := w.sorted()
	i := slices.IndexFunc(living, func(l Life) bool { return w.alive[l].told() || !w.alive[l].ready })
	switch {
	case i < 0:
		return false
	case w.alive[living[i]].told():
		w.exit(living[i], Exit{Rung: "drained"})
	default:
		w.becameReady(living[i])
	}
	return true
}
