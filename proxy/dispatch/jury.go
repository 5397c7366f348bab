package dispatch

import "time"

// jury adds up the lanes that others are compared with: those that are not ejected and have answered some requests. Each counts the same,
// or else one that answers a thousand errors while the others work would be the measure of all.
type jury struct {
	lanes  int64
	paced  int64 // of these, the lanes that have a pace
	pace   int64 // theirs
	scores [faults]int64
}

// count adds a lane n times.
func (j *jury) count(l *standing, n int64) {
	j.lanes += n
	if l.pace > 0 {
		j.paced += n
		j.pace += n * int64(l.pace)
	}
	for k, score := range l.scores {
		j.scores[k] += n * int64(score)
	}
}

// seat makes a lane a juror, or no longer.
func (j *jury) seat(l *standing, juror bool) {
	switch {
	case juror && !l.juror:
		j.count(l, 1)
	case !juror && l.juror:
		j.count(l, -1)
	}
	l.juror = juror
	l.doubted = l.scores.over(2)
	l.curbed = l.doubted && j.guilty(l, 2) != 0
}

// change lets a lane's standing change.
func (j *jury) change(l *standing, how func()) {
	juror := l.juror
	j.seat(l, false)
	how()
	j.seat(l, juror)
}

// besides is the jury without this lane.
func (j *jury) besides(l *standing) jury {
	others := *j
	if l.juror {
		others.count(l, -1)
	}
	return others
}

// others is what the lane's siblings take for most requests, in octaves; 0: nobody knows.
func (j *jury) others(l *standing) int32 {
	others := j.besides(l)
	if others.paced == 0 {
		return 0
	}
	return int32(others.pace / others.paced)
}

// guilty says for what a lane's score is over a part of the bar, if it is. What is held against its siblings half as much is not its fault.
func (j *jury) guilty(l *standing, part int32) Fault {
	for k, bar := range bars {
		if bar /= part; l.scores[k] < bar {
			continue
		}
		if others := j.besides(l); others.lanes > 0 && others.scores[k] <= others.lanes*int64(bar/2) {
			return Fault(k + 1)
		}
	}
	return 0
}

// witness takes an answer into account: how long it took, whether it was an error, and what its client is used to. An error is no measure
// of time: beside lanes that fail at once, those that work would be slow.
func (j *jury) witness(l *standing, u *usual, took time.Duration, failed bool) {
	o := octaves(took)
	slow := !failed && took >= leastSlow && j.isSlow(l, o)
	if failed || slow || l.scores != (scores{}) || *u != (usual{}) { // or else there is nothing to take away
		j.change(l, func() {
			l.weigh(Failing, u, failed)
			if !failed {
				l.weigh(Slow, u, slow)
			}
		})
	}
	if !failed {
		j.keepPace(l, o)
	}
}

// isSlow compares with the others' pace, without a division.
func (j *jury) isSlow(l *standing, o int32) bool {
	lanes, pace := j.paced, j.pace
	if l.juror && l.pace > 0 {
		lanes, pace = lanes-1, pace-int64(l.pace)
	}
	return lanes > 0 && int64(o-slower)*lanes > pace
}

// keepPace smooths like service times, rounded down, so that a quick lane gets to leastPace.
func (j *jury) keepPace(l *standing, o int32) {
	if l.pace == 0 { // before it is a juror, unless all that it has given are errors
		j.change(l, func() { l.pace = o })
		return
	}
	step := (o - l.pace) >> 4
	l.pace += step
	if l.juror {
		j.pace += int64(step)
	}
}
