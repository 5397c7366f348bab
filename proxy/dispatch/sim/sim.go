// Package sim tries proxy/dispatch in a world of unruly clients and workers, in virtual time and from a seed: connections that come, flood,
// leave and come back, workers that die, hang, wake, drain, answer late, twice, or with somebody else's token, news that is under way when the
// world has changed. Run is its entry point; a seed tells the same story each time.
//
// A judge stands outside of the dispatcher. It sees what the shell tells it and what it answers, keeps books of its own, and ends the run
// at the first thing that must not be: a request lost, doubled, misdirected, out of turn, over its time, or idle beside a free lane.
//
// It leaves to proxy/dispatch's own tests what a single step does, and to proxy's tests bytes and sockets. bench/policies says how long
// requests wait.
package sim

import (
	"fmt"
	"runtime/debug"
)

// Result is what happened in a run, to see that it was worth the while.
type Result struct {
	Steps, Requests, Answered, Failed, Dropped, Redelivered, Lost, Stuck, Aside, Back, Refused, Paused, HandedOver, Held, Probed, Unanswered uint64

	Ejected, Returned uint64
}

// Add adds another run's.
func (r *Result) Add(o Result) {
	r.Steps += o.Steps
	r.Requests += o.Requests
	r.Answered += o.Answered
	r.Failed += o.Failed
	r.Dropped += o.Dropped
	r.Redelivered += o.Redelivered
	r.Lost += o.Lost
	r.Stuck += o.Stuck
	r.Aside += o.Aside
	r.Back += o.Back
	r.Refused += o.Refused
	r.Paused += o.Paused
	r.HandedOver += o.HandedOver
	r.Held += o.Held
	r.Probed += o.Probed
	r.Unanswered += o.Unanswered
	r.Ejected += o.Ejected
	r.Returned += o.Returned
}

// Run lets a world that is drawn from the seed go on for so many steps, brings it to an end, and returns what the judge found wrong: what
// it was, the last few events when trace says how many, and how the dispatcher looked.
func Run(seed uint64, steps, trace int) (Result, error) { return newWorld(seed, trace).tell(steps) }

func (w *world) tell(steps int) (r Result, err error) {
	defer func() {
		r = w.judge.count
		r.Steps = uint64(w.steps)
		switch found := recover().(type) {
		case nil:
		case fault:
			err = fmt.Errorf("%s\n%s%s", found, w.judge.trace.text(), w.judge.core.Describe())
		default:
			err = fmt.Errorf("the dispatcher panics: %v\n%s%s", found, w.judge.trace.text(), debug.Stack())
		}
	}()
	w.run(steps)
	w.settle()
	return r, nil
}

// fault is what the judge found.
type fault string

func faultf(format string, args ...any) { panic(fault(fmt.Sprintf(format, args...))) }
