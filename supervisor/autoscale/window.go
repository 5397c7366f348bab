package autoscale

import "time"

// window is the largest of the numbers that were added within some time. It holds those alone that may still become the largest: each is
// smaller than the one before it.
type window []need

type need struct {
	at time.Time
	n  int
}

// add a number, and forget those that are older than keep.
func (w *window) add(at time.Time, n int, keep time.Duration) {
	all := *w
	for len(all) > 0 && all[len(all)-1].n <= n {
		all = all[:len(all)-1]
	}
	all = append(all, need{at, n})
	for at.Sub(all[0].at) > keep {
		all = all[1:]
	}
	*w = all
}

// largest of a window to which something was added.
func (w window) largest() int { return w[0].n }
