package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const maxBody = 64 << 10

// A route is one line of the table: what is asked, and how long it may take.
type route struct {
	method, path string
	waits        bool // as long as the caller likes
	answer       func(Fleet, *http.Request) (any, error)
}

var routes = []route{
	{http.MethodGet, "/v1/fleet", false, getFleet},
	{http.MethodPost, "/v1/scale", false, postScale},
	{http.MethodGet, "/v1/settled", true, getSettled},
	{http.MethodPost, "/v1/restart", false, postRestart},
	{http.MethodGet, "/v1/rolled", true, getRolled},
	{http.MethodPost, "/v1/upgrade", false, postUpgrade},
	{http.MethodGet, "/v1/upgraded", true, getUpgraded},
	{http.MethodPost, "/v1/reload", false, postReload},
	{http.MethodPost, "/v1/down", false, postDown},
	{http.MethodGet, "/v1/version", false, getVersion},
}

func getFleet(f Fleet, r *http.Request) (any, error) { return f.Status(r.Context()) }

func getSettled(f Fleet, r *http.Request) (any, error) {
	return f.Settled(r.Context(), r.URL.Query().Get("service"))
}

func postRestart(f Fleet, r *http.Request) (any, error) {
	req, err := body[RestartRequest](r)
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains([]string{"", RestartContinue, RestartUndo}, req.Do):
		return nil, Errorf(CodeBadRequest, `a restart request does "continue", "undo" or nothing, not %q`, req.Do)
	case req.Slot != nil && (req.Service == "" || req.Do != ""):
		return nil, Errorf(CodeBadRequest, `a restart request with a "slot" has a "service", and does nothing else`)
	}
	req.By = asker(r)
	return f.Restart(r.Context(), req)
}

func postUpgrade(f Fleet, r *http.Request) (any, error) {
	req, err := body[UpgradeRequest](r)
	if err != nil {
		return nil, err
	}
	req.By = asker(r)
	return f.Upgrade(r.Context(), req)
}

func getUpgraded(f Fleet, r *http.Request) (any, error) {
	return f.Upgraded(r.Context(), r.URL.Query().Get("service"))
}

func postReload(f Fleet, r *http.Request) (any, error) {
	req, err := body[ReloadRequest](r)
	if err != nil {
		return nil, err
	}
	req.By = asker(r)
	return f.Reload(r.Context(), req)
}

func getRolled(f Fleet, r *http.Request) (any, error) {
	query, number := r.URL.Query(), 0
	if text := query.Get("roll"); text != "" {
		var err error
		if number, err = strconv.Atoi(text); err != nil {
			return nil, Errorf(CodeBadRequest, "roll is the number of a rolling restart, not %q", text)
		}
	}
	return f.Rolled(r.Context(), query.Get("service"), number)
}

func getVersion(f Fleet, _ *http.Request) (any, error) { return f.Version(), nil }

func postScale(f Fleet, r *http.Request) (any, error) {
	req, err := body[ScaleRequest](r)
	if err != nil {
		return nil, err
	}
	ways := 0
	for _, is := range []bool{req.Count != nil, req.Delta != 0, req.Auto} {
		if is {
			ways++
		}
	}
	if ways != 1 {
		return nil, Errorf(CodeBadRequest, `a scale request has either a "count", a "delta" that is not 0, or "auto"`)
	}
	req.By = asker(r)
	return f.Scale(r.Context(), req)
}

func postDown(f Fleet, r *http.Request) (any, error) {
	req, err := body[DownRequest](r)
	if err != nil {
		return nil, err
	}
	req.By = asker(r)
	return struct{}{}, f.Down(r.Context(), req)
}

// body reads one JSON value. An unknown key is refused: a misspelt "count" would otherwise do something else than was meant. No body
// at all is the zero value.
func body[T any](r *http.Request) (T, error) {
	var value T
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
		return value, Errorf(CodeBadRequest, "cannot read the request: %v", err)
	}
	if dec.More() {
		return value, Errorf(CodeBadRequest, "cannot read the request: there is more than one JSON value in it")
	}
	return value, nil
}

func noRoute(_ Fleet, r *http.Request) (any, error) {
	if r.URL.Path == eventsPath {
		return nil, Errorf(CodeMethod, "%s takes GET, not %s", r.URL.Path, r.Method)
	}
	known := slices.IndexFunc(routes, func(rt route) bool { return rt.path == r.URL.Path })
	if known >= 0 {
		return nil, Errorf(CodeMethod, "%s takes %s, not %s", r.URL.Path, routes[known].method, r.Method)
	}
	paths := []string{eventsPath}
	for _, rt := range routes {
		paths = append(paths, rt.path)
	}
	return nil, Errorf(CodeNotFound, "no %s here; there are %s", r.URL.Path, strings.Join(paths, ", "))
}
