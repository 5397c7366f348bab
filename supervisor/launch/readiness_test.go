package launch

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// A script is a worker's news, one a line, and what is told of it.
func TestReadiness(t *testing.T) {
	t.Parallel()
	datadriven.RunTest(t, "testdata/readiness.txt", func(t *testing.T, d *datadriven.TestData) string {
		var r readiness
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			line = strings.TrimSpace(line)
			fmt.Fprintf(&out, "%s\n", line)
			tell := func(e fleet.Event) {
				fmt.Fprintf(&out, "  %s\n", strings.TrimPrefix(fmt.Sprintf("%T%+v", e, e), "fleet."))
			}
			r.hear(parseNews(t, line), fleet.Life{Service: "hello", N: 1}, tell, func(held bool) {
				fmt.Fprintf(&out, "  held: %t\n", held)
			})
		}
		return out.String()
	})
}

func parseNews(t *testing.T, line string) news {
	verb, rest, _ := strings.Cut(line, " ")
	var n int
	if verb == "started" || verb == "lanes" {
		if _, err := fmt.Sscan(rest, &n); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	switch verb {
	case "waits":
		return waitsNews{rest}
	case "started":
		return startedNews{n}
	case "healthy":
		return healthNews{}
	case "unhealthy":
		return healthNews{reason: rest, held: true}
	case "unanswered":
		return healthNews{reason: rest}
	case "silent":
		return silentNews{rest}
	case "alive":
		return silentNews{}
	case "unfit":
		return laneNews{up: 1, proxy: true, unfit: rest}
	case "lanes":
		return laneNews{up: n, proxy: true}
	case "stuck":
		return laneNews{proxy: true, stuck: rest}
	case "no-proxy":
		return laneNews{}
	case "failed":
		return failedNews{errors.New(rest)}
	}
	t.Fatalf("no such news: %s", line)
	return nil
}
