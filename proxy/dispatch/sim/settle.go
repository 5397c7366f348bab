package sim

import (
	"slices"
	"strings"
	"time"
)

// settle brings the world to its end: no new requests, workers that do their work, then nobody. Every request must have had its outcome
// then, and the dispatcher must have forgotten all of them.
func (w *world) settle() {
	w.settling = true
	if w.chance(0.3) {
		w.judge.abort()
	}
	for _, k := range slices.Clone(w.workers) {
		if k.hung || k.lane.draining || k.lane.stuck || w.judge.cfg.Timeout > 0 {
			k.lose()
		}
	}
	w.finish()
	w.checkSettled()
	for _, u := range w.users {
		u.leave()
	}
	for _, k := range slices.Clone(w.workers) {
		k.lose()
	}
	w.act()
	w.checkEmpty()
}

// finish waits for the last request. Each worker answers within a second, and what it cannot answer in the timeout fails after some
// attempts, so there is an end.
func (w *world) finish() {
	const long = time.Hour
	end := w.now + long
	w.act()
	for w.judge.waiting+w.judge.running > 0 {
		if len(w.workers) == 0 {
			w.places = 1
		}
		if !w.turn() || w.now > end {
			faultf("%d requests wait and %d run, and nothing happens", w.judge.waiting, w.judge.running)
		}
	}
}

func (w *world) checkSettled() {
	c := w.judge.count
	if c.Requests != c.Answered+c.Failed+c.Dropped {
		faultf("of %d requests %d were answered, %d failed and %d were dropped", c.Requests, c.Answered, c.Failed, c.Dropped)
	}
	if err := w.judge.core.Check(); err != nil {
		faultf("the books are wrong: %v", err)
	}
}

func (w *world) checkEmpty() {
	if err := w.judge.core.Check(); err != nil {
		faultf("the books are wrong: %v", err)
	}
	if n := strings.Count(w.judge.core.Describe(), "\n"); n != 1 {
		faultf("somebody is kept when everybody has left")
	}
	if at, ok := w.judge.core.Deadline(); ok {
		faultf("a clock runs on to %v when everybody has left", at)
	}
}
