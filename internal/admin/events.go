package admin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// eventsPath is not in the table of routes: its answer has no end that is known when it begins.
const eventsPath = "/v1/events"

// streamEvents answers with one event a line. What goes wrong once that has begun ends the answer.
func streamEvents(fleet Fleet, w http.ResponseWriter, r *http.Request) {
	read, err := trustedEvents(fleet, r)
	if err != nil {
		write(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	s := &stream{control: http.NewResponseController(w), lines: json.NewEncoder(w)}
	_ = s.control.Flush() // who waits for events is told that they may come; one who is gone is found out with the first
	_ = read(s.tell)
}

func trustedEvents(fleet Fleet, r *http.Request) (func(func(any) error) error, error) {
	if err := checkPeer(r); err != nil {
		return nil, err
	}
	q, err := eventQuery(r.URL.Query(), time.Now())
	if err != nil {
		return nil, err
	}
	return fleet.Events(r.Context(), q)
}

type stream struct {
	control *http.ResponseController
	lines   *json.Encoder
}

// tell writes a line. A reader that takes none for long is given up.
func (s *stream) tell(event any) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(answerIn))
	if err := s.lines.Encode(event); err != nil {
		return err
	}
	return s.control.Flush()
}

func eventQuery(values url.Values, now time.Time) (q EventQuery, err error) {
	q = EventQuery{Service: values.Get("service"), Worker: values.Get("worker"), Last: -1}
	for name, given := range values {
		value := given[len(given)-1]
		switch name {
		case "service", "worker":
		case "since":
			q.Since, err = ParseSince(value, now)
		case "n":
			q.Last, err = strconv.Atoi(value)
		case "follow":
			q.Follow, err = strconv.ParseBool(value)
		default:
			return q, Errorf(CodeBadRequest, "%s takes service, worker, since, n and follow, not %s", eventsPath, name)
		}
		if err != nil {
			return q, Errorf(CodeBadRequest, "cannot read %s=%s: want since=10m or a time as in RFC 3339, n=100, follow=true", name, value)
		}
	}
	return q, nil
}

// ParseSince reads a point in time: how long before now it was (10m), or a time as in RFC 3339.
func ParseSince(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	return time.Parse(time.RFC3339, text)
}
