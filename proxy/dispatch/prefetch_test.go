package dispatch

import (
	"testing"
	"time"
)

func TestAllowance(t *testing.T) {
	const target = 200 * time.Microsecond
	for _, c := range []struct {
		mean time.Duration
		want int
	}{
		{0, MaxPrefetch}, {1, MaxPrefetch}, {1574, MaxPrefetch}, {1575, 127}, {2 * time.Microsecond, 101}, {target / 2, 3}, {target, 2},
		{target + 1, 1}, {time.Hour, 1}, {1 << 62, 1},
	} {
		if got := allowance(target, c.mean); got != c.want {
			t.Errorf("a lane that takes %v a request may hold %d, not %d", c.mean, got, c.want)
		}
	}
	if got := allowance(1<<62, 1); got != MaxPrefetch {
		t.Errorf("with an enormous target a lane may hold %d", got)
	}
}

func TestSmooth(t *testing.T) {
	if got := smooth(0, 1600, true); got != 1600 {
		t.Errorf("the first counts %v", got)
	}
	if got := smooth(1600, 3200, false); got != 1700 {
		t.Errorf("a later one counts to %v", got)
	}
	if got := smooth(1600, 0, false); got != 1500 {
		t.Errorf("none counts to %v", got)
	}
}

// trip is a request on its way to a worker and back, in virtual time.
type trip struct {
	token Token
	back  time.Duration
}

// workers answer in order, each request in its service time, half of wire away on either side.
func workers(d *Dispatcher[int], n int, service func(i int) time.Duration, until time.Duration) (answered []time.Duration) {
	const wire = 50 * time.Microsecond
	c := d.Join()
	free := make([]time.Duration, n)
	trips := make([][]trip, n)
	for i := range n {
		d.Up().Data = i
	}
	for range 400 {
		d.Request(0, c, 0, 16)
	}
	for now := time.Duration(0); now < until; {
		for a, ok := d.Next(now); ok; a, ok = d.Next(now) {
			i := a.Lane.Data.(int)
			free[i] = max(free[i], now+wire/2) + service(i)
			trips[i] = append(trips[i], trip{a.Token, free[i] + wire/2})
		}
		first := 0
		for i := range trips {
			if len(trips[i]) > 0 && (len(trips[first]) == 0 || trips[i][0].back < trips[first][0].back) {
				first = i
			}
		}
		now = trips[first][0].back
		d.Reply(now, laneOf(d, first), trips[first][0].token)
		trips[first] = trips[first][1:]
		d.Request(now, c, 0, 16)
		answered = append(answered, now)
	}
	return answered
}

func laneOf(d *Dispatcher[int], i int) *Lane[int] {
	for l := d.lanes.front(); l != nil; l = l.all.next.owner {
		if l.Data == i {
			return l
		}
	}
	return nil
}

// TestPrefetchRampsUp: from one at a time, two workers that take 4 µs a request reach 90 % of what they can in the third millisecond.
func TestPrefetchRampsUp(t *testing.T) {
	d := New[int](Config{})
	third := 0
	for _, at := range workers(d, 2, func(int) time.Duration { return 4 * time.Microsecond }, 3*time.Millisecond) {
		if at >= 2*time.Millisecond {
			third++
		}
	}
	if third < 450 {
		t.Errorf("%d of 500 answered in the third millisecond\n%s", third, d.Describe())
	}
}

// TestPrefetchRecovers: a worker whose first request took 5 ms is back at full speed 8 ms later.
func TestPrefetchRecovers(t *testing.T) {
	d := New[int](Config{})
	n := 0
	service := func(int) time.Duration {
		if n++; n == 1 {
			return 5 * time.Millisecond
		}
		return 4 * time.Microsecond
	}
	last := 0
	for _, at := range workers(d, 1, service, 14*time.Millisecond) {
		if at >= 13*time.Millisecond {
			last++
		}
	}
	if last < 225 {
		t.Errorf("%d of 250 answered in the last millisecond\n%s", last, d.Describe())
	}
}

// TestPrefetchKeepsAwayFromSlow: beside a fast worker, one that takes 1 ms never holds more than one request.
func TestPrefetchKeepsAwayFromSlow(t *testing.T) {
	d := New[int](Config{})
	held := 0
	workers(d, 2, func(i int) time.Duration {
		held = max(held, laneOf(d, 1).Outstanding())
		return []time.Duration{4 * time.Microsecond, time.Millisecond}[i]
	}, 20*time.Millisecond)
	if held > 1 {
		t.Errorf("the slow worker held %d\n%s", held, d.Describe())
	}
}
