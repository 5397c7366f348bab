package fleet

import (
	"fmt"
	"time"
)

// mayWear says whether limits hold for a slot's worker now: a start has its own.
func (s *slot) mayWear() bool { return s.state == StateReady || s.state == StateUnready }

// worn says whether the current life has lived long enough.
func (s *slot) worn() bool { return s.recycle != "" && s.mayWear() }

// setAge decides how old the life that begins may become: up to a tenth less than MaxAge, so that what began together does not end
// together.
func (f *Fleet) setAge(s *slot) {
	s.recycle, s.expires = "", time.Time{}
	if most := s.svc.Workers.MaxAge; most > 0 && !s.isProxy() {
		s.expires = f.now.Add(most - time.Duration(float64(most)*0.1*f.rand()))
	}
}

// ripened: its trial is over, or it is too old, or both.
func (f *Fleet) ripened(s *slot) {
	if !s.expires.IsZero() && !s.expires.After(f.now) && s.recycle == "" {
		s.recycle = fmt.Sprintf("recycled: %v old", f.now.Sub(s.started).Round(time.Second))
	}
	if !s.trial.IsZero() && !s.trial.After(f.now) {
		s.trial = time.Time{}
		f.stoodTrial(s)
	}
}

func (f *Fleet) measured(ev Measured) {
	svc := f.service(ev.Service)
	if svc == nil {
		return
	}
	for _, s := range svc.all() {
		m, ok := ev.Workers[s.life()]
		if !ok || !s.state.alive() {
			continue
		}
		s.stale = m.Stale
		if s.recycle == "" && s.mayWear() && !s.isProxy() {
			s.recycle = svc.Workers.exceeded(m)
		}
	}
}

// exceeded is which limit a worker has reached, as the cause of its end, or "".
func (w Workers) exceeded(m Measure) string {
	const MiB = 1 << 20
	switch {
	case w.MaxRequests > 0 && m.Requests >= uint64(w.MaxRequests):
		return fmt.Sprintf("recycled: %d requests", m.Requests)
	case w.MemoryMax > 0 && m.Memory > w.MemoryMax:
		return fmt.Sprintf("recycled: %d MiB of memory, memory_max is %d MiB", m.Memory/MiB, w.MemoryMax/MiB)
	default:
		return ""
	}
}
