package autoscale

import "time"

const (
	mostPenalty = 16 // times slower at most
	fade        = 4  // so many times as long as the downs that it slows take
	soon        = 5  // an up shows a down to have been wrong within so many times as long as fewer workers had to be enough for it
)

// penalty makes downs slower, the more often they turned out wrong. It falls off by half when nothing went wrong for some time.
type penalty struct {
	factor int
	at     time.Time // it changed last
}

// wrong takes in an up. What comes of one down counts once.
func (p *penalty) wrong(down, up time.Time, after time.Duration) {
	if down.After(p.at) && up.Sub(down) < soon*after {
		p.factor, p.at = min(2*p.factor, mostPenalty), up
	}
}

func (p *penalty) decay(now time.Time, after time.Duration) {
	if p.factor > 1 && now.Sub(p.at) >= fade*p.slow(after) {
		p.factor, p.at = p.factor/2, now
	}
}

func (p *penalty) slow(d time.Duration) time.Duration { return time.Duration(p.factor) * d }
