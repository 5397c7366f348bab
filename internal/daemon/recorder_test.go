package daemon

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/timeline"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// recorded is a core whose Steps a recorder is told of, as the supervisor's loop does.
type recorded struct {
	core *fleet.Fleet
	rec  *recorder
	log  bytes.Buffer
	dir  string
	now  time.Time
}

func newRecorded(t *testing.T, spec fleet.Spec) *recorded {
	t.Helper()
	r := &recorded{dir: t.TempDir(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	r.core = fleet.New(spec, func() float64 { return 0.5 })
	journal := timeline.Open(r.dir, spec.Name, func(err error) { t.Error(err) })
	r.rec = newRecorder(zerolog.New(&r.log).Level(zerolog.WarnLevel), journal, spec)
	r.rec.start(admin.Version{Pid: 7, Fleet: spec.Name})
	return r
}

func (r *recorded) step(later time.Duration, events ...fleet.Event) {
	r.now = r.now.Add(later)
	for _, ev := range events {
		r.rec.stepped(r.now, ev, r.core.Step(r.now, ev))
	}
}

// list is all events, without their times.
func (r *recorded) list(t *testing.T) string {
	t.Helper()
	r.rec.end()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(t, r.rec.journal.Close(ctx))
	var b strings.Builder
	must(t, timeline.Read(t.Context(), r.dir, timeline.Query{Last: timeline.All}, func(e timeline.Event) error {
		_, line, _ := strings.Cut(e.Line(e.Time), "  ")
		b.WriteString(strings.TrimLeft(line, " ") + "\n")
		return nil
	}))
	return b.String()
}

// What happens to two workers and a proxy, each with what led to it.
func TestEventsHaveTheirCauses(t *testing.T) {
	spec := helloSpec()
	spec.MaxStarting = 4
	svc := &spec.Services[0]
	svc.Workers.Count, svc.Workers.StartTimeout = 2, 30*time.Second
	svc.Restart = fleet.Restart{Delay: time.Second, MaxDelay: time.Minute, Reset: time.Hour, Failures: 2, Window: time.Hour, NoRestart: []int{78}}
	r := newRecorded(t, spec)
	proxy := life(fleet.ProxySlot, 1)
	r.step(0, fleet.Began{}, fleet.Launched{Life: proxy, Pid: 10}, fleet.BecameReady{Life: proxy})
	r.step(0, fleet.Launched{Life: life(0, 1), Pid: 11}, fleet.Launched{Life: life(1, 1), Pid: 12})
	r.step(time.Second, fleet.BecameReady{Life: life(0, 1)}, fleet.BecameReady{Life: life(1, 1)})
	r.step(time.Second, fleet.BecameUnready{Life: life(0, 1), Reason: "not connected to the proxy"})
	r.step(time.Second, fleet.Hung{Life: life(0, 1), Reason: "a request took longer than 30s"})
	r.step(time.Second, fleet.Exited{Life: life(0, 1), Exit: fleet.Exit{Code: -1, Signal: "SIGKILL", Rung: "killed", LastLines: []string{"working"}}})
	r.step(time.Second, fleet.Launched{Life: life(0, 2), Pid: 13})
	r.step(30*time.Second, fleet.TimePassed{})
	r.step(0, fleet.Exited{Life: life(0, 2), Exit: fleet.Exit{Code: -1, Signal: "SIGKILL"}})
	r.step(time.Second, fleet.Exited{Life: life(1, 1), Exit: fleet.Exit{Code: 78}})
	r.step(time.Second, fleet.Scaled{Service: "hello", Want: 3, By: "uid 1000 (pid 5)"})
	r.step(time.Second, fleet.Launched{Life: life(1, 2), Pid: 14}, fleet.Launched{Life: life(2, 1), Pid: 15}, fleet.BecameReady{Life: life(2, 1)})
	r.step(time.Second, fleet.Scaled{Service: "hello", Want: 1, By: "SIGTTOU"})
	r.step(time.Second, fleet.DrainEnded{Life: life(1, 2)}, fleet.Exited{Life: life(1, 2), Exit: fleet.Exit{Rung: "drained"}})
	r.step(time.Second, fleet.ShutdownAsked{By: "SIGTERM"}, fleet.Quiesced{Service: "hello"})
	r.step(time.Second, fleet.ShutdownAsked{By: "SIGTERM"})
	r.step(time.Second, fleet.Exited{Life: life(2, 1), Exit: fleet.Exit{Code: -1, Signal: "SIGKILL", Rung: "killed"}})
	r.step(0, fleet.Exited{Life: proxy, Exit: fleet.Exit{Code: -1, Signal: "SIGKILL", Rung: "killed"}})
	if got := r.list(t); got != story {
		t.Errorf("got\n%s\nwant\n%s", got, story)
	}
	if got := r.log.String(); got != warnings {
		t.Errorf("logged\n%s\nwant\n%s", got, warnings)
	}
}

// What autoscaling does says why, and so does what comes of it.
func TestEventsOfAutoscaling(t *testing.T) {
	spec := helloSpec()
	spec.Services[0].Workers.Count, spec.Services[0].Autoscale.Max, spec.MaxStarting = 1, 4, 4
	r := newRecorded(t, spec)
	r.step(0, fleet.Began{}, fleet.Launched{Life: life(0, 1), Pid: 11})
	r.step(time.Second, fleet.AutoScaled{Service: "hello", Want: 2, Reason: "wait 120ms > 50ms"}, fleet.Launched{Life: life(1, 1), Pid: 12})
	r.step(time.Second, fleet.AutoAsked{Service: "hello", By: "uid 1000 (pid 5)"})
	r.step(time.Second, fleet.AutoScaled{Service: "hello", Want: 1, Reason: "12% busy, at most 1 needed for 1m"})
	want := `1  fleet             fleet_started  the fleet starts (pid 7)
2  hello/0#1         started        started (pid 11)  (1)
3  hello             scaled         scaled 1 → 2 by autoscaling: wait 120ms > 50ms
4  hello/1#1         started        started (pid 12)  (3)
5  hello             auto           left to autoscaling by uid 1000 (pid 5)
6  hello             scaled         scaled 2 → 1 by autoscaling: 12% busy, at most 1 needed for 1m
7  hello/1#1         draining       told to stop: scaled down to 1: autoscale: 12% busy, at most 1 needed for 1m  (6)
8  fleet             fleet_ended    the fleet has ended
`
	if got := r.list(t); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

const story = `1  fleet             fleet_started  the fleet starts (pid 7)
2  hello/proxy#1     started        started (pid 10)  (1)
3  hello/proxy#1     ready          ready  (2)
4  hello/0#1         started        started (pid 11)  (1)
5  hello/1#1         started        started (pid 12)  (1)
6  hello/0#1         ready          ready after 1s  (4)
7  hello/1#1         ready          ready after 1s  (5)
8  hello/0#1         unready        not ready: not connected to the proxy  (6)
9  hello/0#1         hung           hung: a request took longer than 30s  (8)
10  hello/0#1         killed         killed  (9)
11  hello/0#1         exited         killed by SIGKILL after 4s  (10)
12  hello/0#1         backoff        starts again at once  (11)
13  hello/0#2         started        started (pid 13)  (12)
14  hello/0#2         late           did not become ready in 30s  (13)
15  hello/0#2         killed         killed  (14)
16  hello/0#2         exited         killed by SIGKILL after 30s  (15)
17  hello/0#2         crashloop      in a crash loop: 2 failures in 1h0m0s: starts again in 1m0s  (16)
18  hello/1#1         exited         exited with status 78 after 36s  (7)
19  hello/1#1         gave_up        is not started again: exited with status 78 (which asks for no restart: mend it, then zfleet restart hello/1)  (18)
20  hello             scaled         scaled 2 → 3 by uid 1000 (pid 5)
21  hello/1#2         started        started (pid 14)  (20)
22  hello/2#1         started        started (pid 15)  (20)
23  hello/2#1         ready          ready  (22)
24  hello             scaled         scaled 3 → 1 by SIGTTOU
25  hello/0#2         dropped        is not wanted any more: scaled down to 1  (24)
26  hello/1#2         draining       told to stop: scaled down to 1  (24)
27  hello/1#2         drained        holds no request any more  (26)
28  hello/1#2         exited         stopped as asked: drained after 2s  (27)
29  fleet             fleet_ending   the fleet was asked to end by SIGTERM: when all requests under way are answered
30  hello/2#1         draining       told to stop: shutting down  (29)
31  fleet             fleet_ending   the fleet was asked to end by SIGTERM: at once
32  hello/proxy#1     killed         killed: asked to end at once  (31)
33  hello/2#1         killed         killed: asked to end at once  (31)
34  hello/2#1         exited         stopped as asked: killed after 5s  (33)
35  hello/proxy#1     exited         stopped as asked: killed after 43s  (32)
36  fleet             fleet_ended    the fleet has ended
`

const warnings = `{"level":"warn","service":"hello","worker":"hello/0#1","pid":11,"event":"unready","seq":8,"message":"not ready: not connected to the proxy"}
{"level":"warn","service":"hello","worker":"hello/0#1","pid":11,"event":"hung","seq":9,"message":"hung: a request took longer than 30s"}
{"level":"warn","service":"hello","worker":"hello/0#1","pid":11,"event":"killed","seq":10,"message":"killed"}
{"level":"warn","service":"hello","worker":"hello/0#1","pid":11,"event":"exited","seq":11,"message":"killed by SIGKILL after 4s"}
{"level":"warn","service":"hello","worker":"hello/0#1","pid":11,"event":"backoff","seq":12,"message":"starts again at once"}
{"level":"warn","service":"hello","worker":"hello/0#2","pid":13,"event":"late","seq":14,"message":"did not become ready in 30s"}
{"level":"warn","service":"hello","worker":"hello/0#2","pid":13,"event":"killed","seq":15,"message":"killed"}
{"level":"warn","service":"hello","worker":"hello/0#2","pid":13,"event":"exited","seq":16,"message":"killed by SIGKILL after 30s"}
{"level":"error","service":"hello","worker":"hello/0#2","pid":13,"event":"crashloop","seq":17,"message":"in a crash loop: 2 failures in 1h0m0s: starts again in 1m0s"}
{"level":"warn","service":"hello","worker":"hello/1#1","pid":12,"event":"exited","seq":18,"message":"exited with status 78 after 36s"}
{"level":"error","service":"hello","worker":"hello/1#1","pid":12,"event":"gave_up","seq":19,"message":"is not started again: exited with status 78 (which asks for no restart: mend it, then zfleet restart hello/1)"}
`

// A rolling restart: who asked for it, which worker replaces which, and what froze it.
func TestEventsOfARollingRestart(t *testing.T) {
	spec := helloSpec()
	spec.MaxStarting = 4
	svc := &spec.Services[0]
	svc.Workers.Count, svc.Workers.StartTimeout, svc.Workers.MaxSurge = 2, 30*time.Second, fleet.Share{N: 1}
	svc.Restart = fleet.Restart{NoRestart: []int{78}}
	r := newRecorded(t, spec)
	proxy := life(fleet.ProxySlot, 1)
	r.step(0, fleet.Began{}, fleet.Launched{Life: proxy, Pid: 10}, fleet.BecameReady{Life: proxy})
	r.step(0, fleet.Launched{Life: life(0, 1), Pid: 11}, fleet.Launched{Life: life(1, 1), Pid: 12})
	r.step(0, fleet.BecameReady{Life: life(0, 1)}, fleet.BecameReady{Life: life(1, 1)})
	r.step(time.Second, fleet.RestartAsked{Service: "hello", Slot: fleet.AllSlots, By: "uid 1000 (pid 5)"})
	r.step(time.Second, fleet.Launched{Life: life(0, 2), Pid: 13}, fleet.BecameReady{Life: life(0, 2)})
	r.step(time.Second, fleet.DrainEnded{Life: life(0, 1)}, fleet.Exited{Life: life(0, 1), Exit: fleet.Exit{Rung: "drained"}})
	r.step(time.Second, fleet.Launched{Life: life(1, 2), Pid: 14})
	r.step(time.Second, fleet.Exited{Life: life(1, 2), Exit: fleet.Exit{Code: 78, LastLines: []string{"no model"}}})
	r.step(time.Second, fleet.UndoAsked{Service: "hello", By: "SIGX"})
	changed := *svc
	changed.Workers.Grace++
	r.step(time.Second, fleet.Reloaded{Service: *svc}, fleet.Reloaded{Service: changed, By: "SIGHUP"})
	if got := r.list(t); got != rollStory {
		t.Errorf("got\n%s\nwant\n%s", got, rollStory)
	}
}

const rollStory = `1  fleet             fleet_started  the fleet starts (pid 7)
2  hello/proxy#1     started        started (pid 10)  (1)
3  hello/proxy#1     ready          ready  (2)
4  hello/0#1         started        started (pid 11)  (1)
5  hello/1#1         started        started (pid 12)  (1)
6  hello/0#1         ready          ready  (4)
7  hello/1#1         ready          ready  (5)
8  hello             rolling        rolling restart, 0 of 2 replaced by uid 1000 (pid 5): an operator asked for it
9  hello/0#2         started        started (pid 13): to replace hello/0#1, restarted  (8)
10  hello/0#2         ready          ready  (9)
11  hello/0#1         draining       told to stop: restarted, replaced by hello/0#2  (10)
12  hello/0#1         drained        holds no request any more  (11)
13  hello/0#1         exited         stopped as asked: drained after 3s  (12)
14  hello/1#2         started        started (pid 14): to replace hello/1#1, restarted  (8)
15  hello/1#2         exited         exited with status 78 after 1s: no model  (14)
16  hello/1#2         gave_up        is not started again: exited with status 78: no model  (15)
17  hello             roll_frozen    rolling restart frozen, 1 of 2 replaced: hello/1#2 did not become ready: exited with status 78: no model  (15)
18  hello             roll_undone    rolling restart undone, 1 of 2 replaced by SIGX: an operator gave it up  (17)
19  hello             reloaded       declared otherwise by SIGHUP
20  fleet             fleet_ended    the fleet has ended
`

// A fleet that did not say that it ended is told of by the next one.
func TestAFleetThatWasKilledIsToldOf(t *testing.T) {
	dir := t.TempDir()
	complain := func(err error) { t.Error(err) }
	kinds := func() (all []timeline.Kind) {
		must(t, timeline.Read(t.Context(), dir, timeline.Query{Last: timeline.All}, func(e timeline.Event) error {
			all = append(all, e.Kind)
			return nil
		}))
		return all
	}
	for range 2 {
		journal := timeline.Open(dir, "hello", complain)
		newRecorder(zerolog.Nop(), journal, helloSpec()).start(admin.Version{})
		must(t, journal.Close(t.Context())) // as after a kill: it has not said that it ends
	}
	journal := timeline.Open(dir, "hello", complain)
	r := newRecorder(zerolog.Nop(), journal, helloSpec())
	r.start(admin.Version{})
	r.end()
	must(t, journal.Close(t.Context()))
	journal = timeline.Open(dir, "hello", complain)
	newRecorder(zerolog.Nop(), journal, helloSpec()).start(admin.Version{})
	must(t, journal.Close(t.Context()))
	want := "fleet_started fleet_lost fleet_started fleet_lost fleet_started fleet_ended fleet_started"
	var got []string
	for _, k := range kinds() {
		got = append(got, string(k))
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got %s", strings.Join(got, " "))
	}
}

func TestHealthIsInTheTimeline(t *testing.T) {
	spec := fleet.Spec{Name: "hello", MaxStarting: 4, Services: []fleet.Service{{Name: "hello"}}}
	svc := &spec.Services[0]
	svc.Workers.Count, svc.Health.MaxUnhealthy = 2, fleet.Share{N: 1}
	r := newRecorded(t, spec)
	r.step(0, fleet.Began{}, fleet.BecameReady{Life: life(fleet.ProxySlot, 1)})
	r.step(0, fleet.BecameReady{Life: life(0, 1)}, fleet.BecameReady{Life: life(1, 1)})
	for slot := range 2 {
		r.step(time.Second, fleet.BecameUnready{Life: life(slot, 1), Reason: "no answer"})
		r.step(0, fleet.Hung{Life: life(slot, 1), Reason: "no answer", Silent: true})
	}
	r.step(time.Second, fleet.BecameReady{Life: life(1, 1)})
	story := r.list(t)
	for _, line := range []string{
		"hello/0#1         hung ", "hello/1#1         unready ",
		"hello             degraded       degraded: 1 of 2 workers do not answer", "hello             well           well: all workers",
	} {
		if !strings.Contains(story, line) {
			t.Errorf("there is no %q in\n%s", line, story)
		}
	}
}

// What comes of a service that is added or removed is caused by that; and whoever comes after it begins anew.
func TestEventsOfServicesThatComeAndGo(t *testing.T) {
	spec := helloSpec()
	spec.Services[0].Workers.Count = 0
	r := newRecorded(t, spec)
	echo := fleet.Service{Name: "echo", Workers: fleet.Workers{Count: 1}}
	proxy, worker := fleet.Life{Service: "echo", Slot: fleet.ProxySlot, N: 1}, fleet.Life{Service: "echo", N: 1}
	r.step(0, fleet.Began{}, fleet.Added{Service: echo, By: "uid 1000 (pid 5)"})
	r.step(0, fleet.Launched{Life: proxy, Pid: 10}, fleet.BecameReady{Life: proxy}, fleet.Launched{Life: worker, Pid: 11}, fleet.BecameReady{Life: worker})
	r.step(time.Second, fleet.Removed{Service: "echo", By: "SIGHUP"}, fleet.Exited{Life: worker, Exit: fleet.Exit{Code: 1}})
	worker.N = 2
	r.step(time.Second, fleet.Launched{Life: worker, Pid: 12}, fleet.BecameReady{Life: worker}, fleet.Quiesced{Service: "echo"})
	r.step(time.Second, fleet.Exited{Life: worker, Exit: fleet.Exit{Rung: "drained"}}, fleet.Exited{Life: proxy, Exit: fleet.Exit{Rung: "terminated"}})
	r.step(0, fleet.Added{Service: echo, By: "SIGHUP"}, fleet.Launched{Life: fleet.Life{Service: "echo", N: 3}, Pid: 13})
	want := `1  fleet             fleet_started  the fleet starts (pid 7)
2  echo              service_added  added by uid 1000 (pid 5)
3  echo/proxy#1      started        started (pid 10)  (2)
4  echo/proxy#1      ready          ready  (3)
5  echo/0#1          started        started (pid 11)  (2)
6  echo/0#1          ready          ready  (5)
7  echo              service_going  removed by SIGHUP: when all requests under way are answered
8  echo/0#1          exited         exited with status 1 after 1s  (6)
9  echo/0#1          backoff        starts again at once  (8)
10  echo/0#2          started        started (pid 12)  (9)
11  echo/0#2          ready          ready  (10)
12  echo/0#2          draining       told to stop: the service is removed  (7)
13  echo/0#2          exited         stopped as asked: drained after 1s  (12)
14  echo/proxy#1      draining       told to stop: the service is removed  (13)
15  echo/proxy#1      exited         stopped as asked: terminated after 3s  (14)
16  echo              service_gone   nothing is left of it, its ports are closed  (7)
17  echo              service_added  added by SIGHUP
18  echo/0#3          started        started (pid 13)  (17)
19  fleet             fleet_ended    the fleet has ended
`
	if got := r.list(t); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
