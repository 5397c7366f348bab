package proxy

import "slices"

// leavingKept bounds the names that are remembered: a worker is gone long before so many others have left after it.
const leavingKept = 4096

// leaving is the workers that are being drained: their lanes get nothing new, also those that connect later.
type leaving struct {
	names   []string // oldest first
	waiting []waiting
}

type waiting struct {
	worker string
	answer chan<- error // buffered
}

func (s *leaving) includes(worker string) bool {
	return worker != "" && slices.Contains(s.names, worker)
}

func (s *leaving) add(worker string, answer chan<- error) {
	if !s.includes(worker) {
		s.names = append(s.names, worker)
		s.names = s.names[max(0, len(s.names)-leavingKept):]
	}
	s.waiting = append(s.waiting, waiting{worker, answer})
}

// check answers those who wait for a worker whose lanes hold nothing.
func (s *leaving) check(lanes []*lane, worker string) {
	if len(s.waiting) == 0 || slices.ContainsFunc(lanes, func(ln *lane) bool { return ln.worker == worker && ln.core.Outstanding() > 0 }) {
		return
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(w waiting) bool {
		if w.worker == worker {
			w.answer <- nil
		}
		return w.worker == worker
	})
}
