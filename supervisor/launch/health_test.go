package launch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// The script is what the process answers to one question after another; told is when, in ms, and what is told.
func TestChecks(t *testing.T) {
	t.Parallel()
	const yes, no, none, late = "", "cold", "none", "late"
	for what, c := range map[string]struct {
		answers             []string
		told                string
		failures, successes int
		assumed             bool
	}{
		"yes, then each second":              {answers: []string{yes, yes, no, yes}, told: "0:yes 1000:yes 2000:cold 3000:yes "},
		"often until it is yes":              {answers: []string{no, no, yes, yes}, told: "0:cold 50:cold 100:yes 1100:yes "},
		"two misses are none":                {answers: []string{yes, none, none, yes}, told: "0:yes 3000:yes "},
		"three are silence, and told once":   {answers: []string{yes, none, none, none, none, none}, told: "0:yes 3000:silent "},
		"silent, back, and silent again":     {answers: []string{none, none, none, yes, none, none, none}, told: "2000:silent 3000:yes 6000:silent "},
		"an answer after the time is a miss": {answers: []string{late, late, late, yes}, told: "3500:silent 4500:yes "},
		"no has to be said twice":            {failures: 2, answers: []string{yes, no, yes, no, no, no, yes}, told: "0:yes 2000:yes 4000:cold 5000:cold 6000:yes "},
		"but at first":                       {failures: 2, answers: []string{no, yes}, told: "0:cold 50:yes "},
		"yes has to be said twice":           {successes: 2, answers: []string{yes, yes, no, yes, no, yes, yes}, told: "1000:yes 2000:cold 4000:cold 6000:yes "},
		"a miss is neither":                  {failures: 2, answers: []string{yes, no, none, no}, told: "0:yes 3000:cold "},
		"yes unless it is no":                {failures: 2, assumed: true, answers: []string{no, yes, no, no}, told: "50:yes 2050:cold "},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				began, told, asked := time.Now(), "", 0
				note := func(reason string, heard bool) {
					if !heard && strings.HasPrefix(reason, "no answer to 3 health checks in a row: ") {
						reason = "silent"
					}
					if reason == "" {
						reason = "yes"
					}
					told += fmt.Sprintf("%d:%s ", time.Since(began).Milliseconds(), reason)
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
				checks{
					Check: fleet.Check{Interval: time.Second, Timeout: 500 * time.Millisecond, Failures: max(c.failures, 1), Successes: max(c.successes, 1)},
					fast:  50 * time.Millisecond, misses: 3, assumed: c.assumed, ask: ask,
				}.run(ctx, note)
				if told != c.told {
					t.Errorf("told %s, want %s", told, c.told)
				}
			})
		})
	}
}
