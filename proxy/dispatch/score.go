package dispatch

import (
	"math/bits"
	"time"
)

// A Fault is why a lane is ejected.
type Fault uint8

const (
	Failing Fault = iota + 1 // it answers with errors, or hangs, where other lanes do not
	Slow                     // it takes many times as long as other lanes
)

const faults = 2

const (
	one       = 1 << 10 // of a score: a bad answer to a client that has had none
	failingAt = 10 * one
	slowAt    = 20 * one
	hang      = 5 * one // a timeout, in Failing
	tries     = 2 * one // below the bar, for a lane that has served its time

	jurorAt   = 16                        // answers that a lane has to have given to be compared with
	slower    = 3 * octave                // than others: eight times
	leastSlow = time.Millisecond          // what takes less is not slow
	quick     = 131_072 * time.Nanosecond // what takes less is as good as this: leastSlow is eight times as long
	octave    = 1 << 8
	leastPace = 17 * octave // of quick
)

// bars are the scores that eject a lane. Being slow takes more proof than failing.
var bars = [faults]int32{failingAt, slowAt}

// scores are what is held against a lane. A bad answer adds to one of them and a good one takes as much away, so that only a lane which is
// bad more often than not gets anywhere.
type scores [faults]int32

// usual is how often a client has had bad answers lately, in 1/one. It is what tells a bad lane from a bad client: a client that gets errors
// wherever it asks, or asks for what takes long, proves nothing. One client can add eight to a score, and no more until it has had good
// answers again.
type usual [faults]int32

// weigh changes one score, and what a client is used to, by one answer.
func (s *scores) weigh(fault Fault, u *usual, bad bool) {
	score, used := &s[fault-1], &u[fault-1]
	if bad {
		*score = min(*score+one-*used, bars[fault-1])
		*used += (one - *used + 7) / 8 // rounded up, so that it gets there
	} else {
		*score = max(*score-one-*used, 0)
		*used -= (*used + 7) / 8
	}
}

// octaves is the binary logarithm of a time in 1/256, linear between powers of two. The mean of these, unlike the mean of times, says what
// a lane takes for most requests, however long it takes for a few.
func octaves(t time.Duration) int32 {
	n := uint64(max(t, quick))
	e := bits.Len64(n) - 1
	return int32(e)*octave + int32(n>>(e-8))%octave
}

// ofOctaves is the time that has this logarithm.
func ofOctaves(o int32) time.Duration {
	if o < 8*octave { // there is none
		return 0
	}
	return time.Duration(octave+int64(o%octave)) << (o/octave - 8)
}

// over says that one of the scores is over a part of its bar.
func (s *scores) over(part int32) bool {
	return s[Failing-1] >= failingAt/part || s[Slow-1] >= slowAt/part
}
