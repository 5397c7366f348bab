package launch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// The script is what the process answers to one question after another; told is when, in ms, and what is told.
func TestChecks(t *testing.T) {
	t.Parallel()
	const yes, no, none, late = "", "cold", "none", "late"
	for what, c := range map[string]struct {
		answers []string
		told    string
	}{
		"ready, then each second":            {[]string{yes, yes, no, yes}, "0:ready 1000:ready 2000:cold 3000:ready "},
		"often until it is ready":            {[]string{no, no, yes, yes}, "0:cold 50:cold 100:ready 1100:ready "},
		"two misses are none":                {[]string{yes, none, none, yes}, "0:ready 3000:ready "},
		"three are silence, and told once":   {[]string{yes, none, none, none, none, none}, "0:ready 3000:silent "},
		"silent, back, and silent again":     {[]string{none, none, none, yes, none, none, none}, "2000:silent 3000:ready 6000:silent "},
		"an answer after the time is a miss": {[]string{late, late, late, yes}, "3500:silent 4500:ready "},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				began, told, asked := time.Now(), "", 0
				note := func(n news) {
					word := "ready"
					switch n := n.(type) {
					case silentNews:
						word = "silent"
					case healthNews:
						if n.reason != "" {
							word = n.reason
						}
					}
					told += fmt.Sprintf("%d:%s ", time.Since(began).Milliseconds(), word)
				}
				ask := func(ctx context.Context) (string, error) {
					if asked == len(c.answers) {
						cancel()
						return "", nil
					}
					asked++
					switch answer := c.answers[asked-1]; answer {
					case none:
						return "", errors.New("refused")
					case late:
						<-ctx.Done()
						return "", ctx.Err()
					default:
						return answer, nil
					}
				}
				checks{fast: 50 * time.Millisecond, interval: time.Second, timeout: 500 * time.Millisecond, failures: 3, ask: ask}.run(ctx, note)
				if told != c.told {
					t.Errorf("told %s, want %s", told, c.told)
				}
			})
		})
	}
}
