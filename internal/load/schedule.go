package load

import "time"

// schedule is when an open loop's requests are due: evenly, one every interval, whatever becomes of them.
type schedule struct {
	first    time.Duration
	interval time.Duration
	end      time.Duration // nothing is due from then on
	taken    int
}

// share is the schedule of one gang of several: together they send at the rate, in turn.
func share(rate float64, gang, gangs int, end time.Duration) *schedule {
	interval := max(time.Duration(float64(gangs)/rate*float64(time.Second)), 1)
	return &schedule{first: interval * time.Duration(gang) / time.Duration(gangs), interval: interval, end: end}
}

// next is when the next request is due; not ok when there is none.
func (s *schedule) next() (at time.Duration, ok bool) {
	at = s.first + time.Duration(s.taken)*s.interval
	return at, at < s.end
}

// take is next for the one who sends it.
func (s *schedule) take() { s.taken++ }
