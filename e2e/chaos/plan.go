package main

import (
	"math/rand/v2"
	"time"
)

// step is one thing to do. What it is done to depends on what is there when its time has come; everything else is the seed's.
type step struct {
	at   time.Duration
	deed string
	pick uint64 // chooses among what is there
	size int    // how much of it
}

// weights say how often a deed is done.
var weights = []struct {
	deed   string
	weight int
}{
	{"kill worker", 20}, {"stop worker", 8}, {"not ready", 8}, {"harmful request", 20}, {"scale", 8},
	{"rolling restart", 5}, {"reload", 5}, {"stop supervisor", 4}, {"stop proxy", 4},
	{"kill supervisor", 4}, {"upgrade", 5},
	{"foreign process", 6}, {"kill foreign process", 6}, {"honest peer", 6},
	{"double reply", 6}, {"wrong token", 6}, {"no token", 6}, {"another lane's token", 6}, {"another envelope", 4},
	{"half a frame, silence", 6}, {"half a frame, gone", 6}, {"gone after READY", 6}, {"never reads", 4},
	{"garbage", 8}, {"oversize", 6}, {"half open", 4}, {"hasty clients", 5}, {"hasty workers", 5},
}

// plan is an endless list of steps.
type plan struct {
	random *rand.Rand
	at     time.Duration
	deeds  []string
}

const pause = 150 * time.Millisecond // between two deeds, on average

func newPlan(seed uint64, proxyKills bool) *plan {
	p := &plan{random: rand.New(rand.NewPCG(seed, 0))}
	for _, w := range weights {
		for range w.weight {
			p.deeds = append(p.deeds, w.deed)
		}
	}
	if proxyKills {
		p.deeds = append(p.deeds, "kill proxy", "kill proxy", "kill proxy", "kill proxy")
	}
	return p
}

// next draws the same numbers for every deed, so that the plan does not depend on what its steps make of them.
func (p *plan) next() step {
	p.at += time.Duration(p.random.Int64N(int64(2 * pause)))
	return step{at: p.at, deed: p.deeds[p.random.IntN(len(p.deeds))], pick: p.random.Uint64(), size: 1 + p.random.IntN(100)}
}
