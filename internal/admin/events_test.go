package admin

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

func get(t *testing.T, c *Client, path string) *http.Response {
	t.Helper()
	resp, err := c.do(t.Context(), http.MethodGet, path, nil)
	must(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// Each event is there as soon as it is told, a line of JSON, and the answer ends with the fleet.
func TestEventsAreAStreamOfLines(t *testing.T) {
	more := make(chan int)
	client, server := served(t, fakeFleet{events: func(ctx context.Context, q EventQuery, tell func(any) error) error {
		if !q.Follow || q.Worker != "hello/3" || q.Last != 5 || time.Since(q.Since) < time.Minute || time.Since(q.Since) > time.Hour {
			t.Errorf("asked for %+v", q)
		}
		for {
			select {
			case n := <-more:
				must(t, tell(map[string]int{"seq": n}))
			case <-ctx.Done():
				return nil
			}
		}
	}})
	resp := get(t, client, "/v1/events?worker=hello/3&follow=true&n=5&since=1m")
	same(t, resp.Header.Get("Content-Type"), "application/x-ndjson")
	same(t, resp.Header.Get(versionField), me.Version)
	lines := bufio.NewReader(resp.Body)
	for n, want := range []string{"{\"seq\":0}\n", "{\"seq\":1}\n"} {
		more <- n
		line, err := lines.ReadString('\n')
		must(t, err)
		same(t, line, want)
	}
	must(t, server.Close(t.Context()))
	if _, err := lines.ReadString('\n'); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestWrongEventQueries(t *testing.T) {
	client, _ := served(t, fakeFleet{})
	for path, want := range map[string]string{
		"/v1/events?since=yesterday": "cannot read since=yesterday: want since=10m or a time as in RFC 3339, n=100, follow=true",
		"/v1/events?n=few":           "cannot read n=few: want since=10m or a time as in RFC 3339, n=100, follow=true",
		"/v1/events?servce=hello":    "/v1/events takes service, worker, since, n and follow, not servce",
		"/v1/events?service=none":    "no service none",
	} {
		resp := get(t, client, path)
		text, err := io.ReadAll(resp.Body)
		must(t, err)
		if err := refused(resp.StatusCode, text); resp.StatusCode < http.StatusBadRequest || err.Error() != want {
			t.Errorf("%s: status %d, %v", path, resp.StatusCode, err)
		}
	}
	resp, err := client.do(t.Context(), http.MethodPost, eventsPath, nil)
	must(t, err)
	_ = resp.Body.Close()
	same(t, resp.StatusCode, http.StatusMethodNotAllowed)
}
