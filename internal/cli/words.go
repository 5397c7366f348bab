package cli

import (
	"fmt"
	"time"
)

func number[T int | uint64](n T) string { return fmt.Sprint(n) }

// pid of a process, or nothing when there is none.
func pid(n int) string {
	if n == 0 {
		return ""
	}
	return number(n)
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// age is how long something has been so, in its two largest units: 7s, 2m5s, 3h0m, 12d4h.
func age(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}
