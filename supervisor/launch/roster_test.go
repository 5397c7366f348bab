package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/proxy/control"
)

// namer is a proxy that is told names.
type namer struct {
	mu   sync.Mutex
	told []string
	err  error
	gate chan struct{} // if not nil: it takes a name when this is closed
}

func (n *namer) name(_ context.Context, lane uint64, worker string) error {
	if n.gate != nil {
		<-n.gate
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, fmt.Sprintf("%d=%s", lane, worker))
	return n.err
}

func (n *namer) judge(worker string, e control.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, fmt.Sprintf("%s of %q at %s", e.Kind, worker, e.Lane.Peer))
}

func (n *namer) set(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err = err
}

func (n *namer) names() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.told, " ")
}

func rosterTest(t *testing.T, test func(t *testing.T, r *followed, n *namer)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &namer{}
		r := newRoster(n.name, n.judge, zerolog.Nop())
		defer r.close()
		test(t, &followed{roster: r}, n)
	})
}

// followed is a roster that is told of a proxy's events.
type followed struct {
	*roster
	stream int
}

// follow begins a stream of a proxy that has no lanes yet.
func (f *followed) follow() {
	f.stream = f.roster.follow()
	f.event(control.Event{Kind: control.Listed})
}

func (f *followed) event(e control.Event) { f.roster.event(f.stream, e) }
func (f *followed) lost()                 { f.roster.lost(f.stream, false) }

func laneUp(id uint64, worker string, pid int) control.Event {
	return control.Event{Kind: control.LaneUp, Lane: control.Lane{ID: id, Worker: worker, Pid: pid}}
}

// latest is the last news, after all has settled.
func latest(lanes <-chan laneNews) (n laneNews) {
	synctest.Wait()
	select {
	case n := <-lanes:
		return n
	default:
		return laneNews{up: -1}
	}
}

func expect(t *testing.T, what string, lanes <-chan laneNews, want laneNews) {
	t.Helper()
	if got := latest(lanes); got != want {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func TestRosterCountsNamedLanes(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, n *namer) {
		lanes := r.join("hello/0#1", 0)
		expect(t, "without a proxy", lanes, laneNews{})
		r.follow()
		r.event(laneUp(1, "hello/0#1", 0))
		r.event(laneUp(2, "hello/0#1", 0))
		r.event(laneUp(3, "hello/1#1", 0))
		r.event(laneUp(4, "", 0)) // a foreign one
		expect(t, "two are up", lanes, laneNews{up: 2, proxy: true})
		r.event(control.Event{Kind: control.LaneDown, Lane: control.Lane{ID: 1}})
		r.event(control.Event{Kind: control.LaneDown, Lane: control.Lane{ID: 3}})
		expect(t, "one went down", lanes, laneNews{up: 1, proxy: true})
		expect(t, "its lanes came first", r.join("hello/0#1", 0), laneNews{up: 1, proxy: true})
		r.lost()
		r.leave("hello/0#1")
		if n.names() != "" {
			t.Errorf("told %s", n.names())
		}
	})
}

// What is said of a stuck lane holds when it is down, and when the proxy is gone, for as long as its worker is there.
func TestRosterKeepsStuck(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, n *namer) {
		n.set(errors.New("busy")) // a command's lane has no name as yet
		named, plain := r.join("hello/0#1", 0), r.join("hello/1#1", unix.Getpgrp())
		r.follow()
		for _, e := range []control.Event{laneUp(1, "hello/0#1", 0), laneUp(2, "", os.Getpid()), laneUp(3, "", 1)} {
			r.event(e)
		}
		expect(t, "before", named, laneNews{up: 1, proxy: true})
		expect(t, "before", plain, laneNews{proxy: true})
		stuck := func(e control.Event) {
			e.Kind, e.Reason = control.LaneStuck, "too long"
			r.event(e)
			e.Kind = control.LaneDown
			r.event(e)
		}
		stuck(laneUp(3, "", 1))
		expect(t, "a foreign lane", named, laneNews{up: -1})
		stuck(laneUp(1, "hello/0#1", 0))
		expect(t, "its lane", named, laneNews{proxy: true, stuck: "too long"})
		expect(t, "another's lane", plain, laneNews{up: -1})
		stuck(laneUp(2, "", os.Getpid()))
		expect(t, "a lane of its process", plain, laneNews{proxy: true, stuck: "too long"})
		r.lost()
		expect(t, "no proxy", named, laneNews{stuck: "too long"})
		r.leave("hello/0#1")
		expect(t, "the next life", r.join("hello/0#2", 0), laneNews{})
	})
}

// Whoever follows a proxy anew is told with the lanes which are stuck, and a worker may be known later than its lane. That it is back does
// not change what is known of it.
func TestRosterHearsOfStuckLanesLate(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, _ *namer) {
		named := r.join("hello/0#1", 0)
		r.follow()
		hung := laneUp(1, "hello/0#1", 0)
		hung.Lane.Stuck = "too long"
		r.event(hung)
		expect(t, "its lane", named, laneNews{up: 1, proxy: true, stuck: "too long"})
		r.event(laneUp(2, "hello/1#1", 0))
		r.event(control.Event{Kind: control.LaneStuck, Lane: control.Lane{ID: 2, Worker: "hello/1#1"}, Reason: "too long"})
		expect(t, "a lane that is known first", r.join("hello/1#1", 0), laneNews{up: 1, proxy: true, stuck: "too long"})
		r.event(laneUp(3, "hello/2#1", 0))
		for _, id := range []uint64{1, 2} {
			r.event(control.Event{Kind: control.LaneBack, Lane: control.Lane{ID: id}})
		}
		expect(t, "back", named, laneNews{up: -1})
		expect(t, "a life that joins when it is back", r.join("hello/1#1", 0), laneNews{up: 1, proxy: true})
	})
}

// A lane that is ejected, and tried again, is told of with the worker whose it is. That one which was stuck is back is something else.
func TestRosterTellsOfEjectedLanes(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, n *namer) {
		n.set(errors.New("busy")) // a command's lane has no name as yet
		r.join("hello/0#1", 0)
		r.join("hello/1#1", unix.Getpgrp())
		r.follow()
		for _, e := range []control.Event{laneUp(1, "hello/0#1", 0), laneUp(2, "", os.Getpid()), laneUp(3, "", 1)} {
			e.Lane.Peer = fmt.Sprint(e.Lane.ID)
			r.event(e)
			e.Kind, e.Reason = control.LaneStuck, "too long"
			r.event(e)
			e.Kind = control.LaneBack
			r.event(e)
			e.Kind, e.Reason = control.LaneEjected, "too slow"
			r.event(e)
			e.Kind = control.LaneBack
			r.event(e)
			r.event(e)
		}
		synctest.Wait()
		told := strings.Join(slices.DeleteFunc(n.told, func(s string) bool { return strings.Contains(s, "=") }), ", ")
		want := `lane_ejected of "hello/0#1" at 1, lane_back of "hello/0#1" at 1, ` +
			`lane_ejected of "hello/1#1" at 2, lane_back of "hello/1#1" at 2, lane_ejected of "" at 3, lane_back of "" at 3`
		if told != want {
			t.Errorf("got  %s\nwant %s", told, want)
		}
	})
}

// A lane counts for a plain command once the proxy knows its name, whether the command or its lane was known first.
func TestRosterNamesLanes(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, n *namer) {
		n.set(errors.New("busy"))
		r.follow()
		r.event(laneUp(1, "", os.Getpid()))
		lanes := r.join("hello/0#1", unix.Getpgrp())
		expect(t, "the proxy does not take the name", lanes, laneNews{proxy: true})
		r.join("hello/1#1", 1<<30) // somebody else joins meanwhile: no reason to tell it twice
		synctest.Wait()
		if n.names() != "1=hello/0#1" {
			t.Errorf("told %s", n.names())
		}
		n.set(nil)
		time.Sleep(nameRetry - time.Millisecond)
		expect(t, "before it is told again", lanes, laneNews{up: -1})
		time.Sleep(time.Millisecond)
		expect(t, "it is told again", lanes, laneNews{up: 1, proxy: true})

		r.lost() // the next proxy uses the numbers anew, for others
		expect(t, "no proxy", lanes, laneNews{})
		r.follow()
		r.event(laneUp(1, "", 1))
		r.event(laneUp(2, "", os.Getpid()))
		expect(t, "the next proxy", lanes, laneNews{up: 1, proxy: true})
		if n.names() != "1=hello/0#1 1=hello/0#1 2=hello/0#1" {
			t.Errorf("told %s", n.names())
		}
	})
}

// A name that one proxy was slow to take is not told to the next.
func TestRosterForgetsWithTheStream(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, n *namer) {
		n.set(errors.New("busy"))
		r.join("hello/0#1", unix.Getpgrp())
		r.follow()
		r.event(laneUp(1, "", os.Getpid()))
		synctest.Wait()
		r.lost()
		r.follow()
		time.Sleep(10 * nameRetry)
		if n.names() != "1=hello/0#1" {
			t.Errorf("told %s", n.names())
		}
	})
}

// Nor does it count there, under a number that is another lane's by then.
func TestRosterForgetsLateAnswers(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, n *namer) {
		n.gate = make(chan struct{})
		lanes := r.join("hello/0#1", unix.Getpgrp())
		r.follow()
		r.event(laneUp(1, "", os.Getpid()))
		synctest.Wait()
		r.lost()
		r.follow()
		r.event(laneUp(1, "", 0))
		expect(t, "before the answer", lanes, laneNews{proxy: true})
		close(n.gate)
		expect(t, "after it", lanes, laneNews{up: -1})
		if n.names() != "1=hello/0#1" {
			t.Errorf("told %s", n.names())
		}
	})
}

// Nor is it told when the worker has left, or the lane.
func TestRosterForgetsWhoLeft(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, n *namer) {
		n.set(errors.New("busy"))
		r.join("hello/0#1", unix.Getpgrp())
		r.follow()
		r.event(laneUp(1, "", os.Getpid()))
		r.event(laneUp(2, "", os.Getpid()))
		synctest.Wait()
		r.event(control.Event{Kind: control.LaneDown, Lane: control.Lane{ID: 1}})
		r.leave("hello/0#1")
		time.Sleep(10 * nameRetry)
		if words := strings.Fields(n.names()); len(words) != 4 { // each twice: the second try was under way
			t.Errorf("told %v", words)
		}
	})
}

func TestWorkerOf(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		pid    int
		groups map[int]string
		want   string
	}{
		"its group":           {os.Getpid(), map[int]string{unix.Getpgrp(): "a", 1 << 30: "b"}, "a"},
		"its parent":          {os.Getpid(), map[int]string{os.Getppid(): "a"}, "a"},
		"itself":              {os.Getpid(), map[int]string{os.Getpid(): "a"}, "a"},
		"nobody":              {os.Getpid(), map[int]string{1 << 30: "b"}, ""},
		"a process that left": {1 << 30, map[int]string{1 << 30: "b"}, ""},
	} {
		if got := workerOf(c.pid, c.groups); got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

// While another proxy takes over, workers keep their lanes until it has told those that it has; and what the one before goes on to say, or
// that it ends, does not count then.
func TestRosterKeepsLanesWhileAnotherProxyTakesOver(t *testing.T) {
	rosterTest(t, func(t *testing.T, r *followed, _ *namer) {
		lanes := r.join("hello/0#1", 0)
		r.follow()
		r.event(laneUp(1, "hello/0#1", 0))
		r.event(laneUp(2, "hello/0#1", 0))
		expect(t, "two lanes", lanes, laneNews{up: 2, proxy: true})
		first := r.stream
		r.roster.lost(first, true)
		next := r.roster.follow()
		r.roster.event(next, laneUp(7, "hello/0#1", 0))
		expect(t, "lanes that are not all told", lanes, laneNews{up: -1})
		r.roster.event(next, laneUp(8, "hello/0#1", 0))
		r.roster.event(next, control.Event{Kind: control.Listed})
		expect(t, "the same lanes", lanes, laneNews{up: -1})
		r.roster.event(first, control.Event{Kind: control.LaneDown, Lane: control.Lane{ID: 7, Worker: "hello/0#1"}})
		r.roster.lost(first, false)
		expect(t, "news of the proxy before", lanes, laneNews{up: -1})
		r.roster.event(next, control.Event{Kind: control.LaneDown, Lane: control.Lane{ID: 7, Worker: "hello/0#1"}})
		expect(t, "one lane", lanes, laneNews{up: 1, proxy: true})

		r.roster.lost(next, true)
		fails := r.roster.follow()
		r.roster.lost(fails, false)
		expect(t, "a proxy that could not take over", lanes, laneNews{up: -1})
		r.gone()
		expect(t, "no proxy", lanes, laneNews{})
	})
}
