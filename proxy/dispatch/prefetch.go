package dispatch

import "time"

// MaxPrefetch is the largest allowance of a lane, adaptive or fixed.
const MaxPrefetch = 128

// smooth is the exponentially weighted mean of service times, each new one weighing a sixteenth; the first counts whole.
func smooth(mean, service time.Duration, first bool) time.Duration {
	if first {
		return service
	}
	return mean + (service-mean)/16
}

// allowance is how many requests a lane with this mean service time may hold: the one it works on, and target's worth of work behind it.
// One at a time would leave a fast worker idle between round trips; many would queue behind a slow one while others are free.
func allowance(target, mean time.Duration) int {
	return 1 + int(min(target/max(mean, 1), MaxPrefetch-1))
}
