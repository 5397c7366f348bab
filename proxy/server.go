package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/zfleet/zfleet/internal/vitals"
	"github.com/zfleet/zfleet/proxy/control"
)

// lastAnswers is how long whoever asks may take to read the answer when the proxy ends.
const lastAnswers = time.Second

// serveControl answers on the control socket until the function it returns is called.
func (p *Proxy) serveControl() (stop func() error, err error) {
	if p.control == nil {
		err = p.openControl("")
	}
	if p.control == nil || err != nil {
		return func() error { return nil }, err
	}
	if err := p.control.replace(); err != nil {
		p.opts.Log.Error().Err(err).Msg("nobody can ask this proxy") // it has taken over, and cannot go back
	}
	socket, ln := p.control.socket, p.control.ln
	server := &http.Server{Handler: p.routes(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), lastAnswers)
		defer cancel()
		err := server.Shutdown(ctx) // the loop has ended: whoever waits is answered
		if err != nil {
			err = server.Close()
		}
		err = errors.Join(err, socket.Close())
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}, nil
}

// routes is the table of what the control socket answers.
func (p *Proxy) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+control.PathSnapshot, answer(p.snapshot))
	mux.HandleFunc("GET "+control.PathEvents, p.events)
	mux.HandleFunc("GET "+control.PathLines, answer(p.lastLines))
	mux.HandleFunc("POST "+control.PathName, answer(p.name))
	mux.HandleFunc("POST "+control.PathDrain, answer(p.drain))
	mux.HandleFunc("POST "+control.PathHold, answer(p.hold))
	mux.HandleFunc("POST "+control.PathQuiesce, answer(p.quiesce))
	mux.HandleFunc("POST "+control.PathExit, answer(p.exited))
	mux.HandleFunc("POST "+control.PathListeners, p.listeners)
	mux.HandleFunc("POST "+control.PathHandover, p.handover)
	return mux
}

// answer writes what a handler gives as JSON, or its error as control.Error.
func answer(handle func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := handle(r)
		if err != nil {
			refuse(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body) // whoever asked may be gone
	}
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status(err))
	_ = json.NewEncoder(w).Encode(control.Error{Message: err.Error()})
}

var (
	errBody   = errors.New("cannot read the request")
	errNoLane = errors.New("no such lane")
)

func status(err error) int {
	switch {
	case errors.Is(err, errBody):
		return http.StatusBadRequest
	case errors.Is(err, errNoLane):
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable
}

// maxBody is more than the last lines of a worker take, each character escaped.
const maxBody = 4 << 20

// decode reads a JSON body, which is small.
func decode[T any](r *http.Request) (body T, err error) {
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(&body); err != nil {
		return body, fmt.Errorf("%w: %w", errBody, err)
	}
	return body, nil
}

func (p *Proxy) snapshot(r *http.Request) (any, error) {
	s, err := ask(r.Context(), p, (*loop).snapshot)
	s.Goroutines, s.Heap = vitals.Read()
	return s, err
}

func (p *Proxy) lastLines(*http.Request) (any, error) {
	if p.opts.LastLines == nil {
		return control.Lines{}, nil
	}
	return p.opts.LastLines(), nil
}

func (p *Proxy) name(r *http.Request) (any, error) {
	body, err := decode[control.Name](r)
	if err != nil {
		return nil, err
	}
	known, err := ask(r.Context(), p, func(l *loop) bool { return l.lanes.named(l, body.Lane, body.Worker) })
	if err == nil && !known {
		err = fmt.Errorf("%w: %d", errNoLane, body.Lane)
	}
	return struct{}{}, err
}

func (p *Proxy) drain(r *http.Request) (any, error) {
	body, err := decode[control.Drain](r)
	if err != nil {
		return nil, err
	}
	if body.Worker == "" {
		return nil, fmt.Errorf("%w: it names no worker", errBody)
	}
	return p.later(r, func(l *loop, drained chan<- error) { l.lanes.drain(l, body.Worker, drained) })
}

func (p *Proxy) hold(r *http.Request) (any, error) {
	body, err := decode[control.Hold](r)
	if err != nil {
		return nil, err
	}
	return ask(r.Context(), p, func(l *loop) struct{} {
		l.lanes.hold(l, body.Workers)
		return struct{}{}
	})
}

func (p *Proxy) exited(r *http.Request) (any, error) {
	body, err := decode[control.Exit](r)
	if err == nil && p.loop.letters != nil {
		err = p.loop.letters.exited(body)
	}
	return struct{}{}, err
}

func (p *Proxy) quiesce(r *http.Request) (any, error) {
	return p.later(r, (*loop).quiesce)
}

// later runs f on the loop and waits for the answer that it sends when the time has come.
func (p *Proxy) later(r *http.Request, f func(*loop, chan<- error)) (any, error) {
	answered := make(chan error, 1)
	if err := p.loop.inbox.post(func(l *loop) { f(l, answered) }); err != nil {
		return nil, err
	}
	failed, err := hear(r.Context(), p, answered)
	return struct{}{}, errors.Join(failed, err)
}

// events streams what happens to lanes, one JSON object a line.
func (p *Proxy) events(w http.ResponseWriter, r *http.Request) {
	watcher, err := ask(r.Context(), p, func(l *loop) *watcher { return l.lanes.watch() })
	if err != nil {
		http.Error(w, err.Error(), status(err))
		return
	}
	defer func() { _ = p.loop.inbox.post(func(l *loop) { l.lanes.unwatch(watcher) }) }()
	w.Header().Set("Content-Type", "application/x-ndjson")
	for {
		select {
		case batch, ok := <-watcher.events:
			if !ok || stream(w, batch) != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-p.ended:
			return
		}
	}
}

func stream(w http.ResponseWriter, batch []control.Event) error {
	encoder := json.NewEncoder(w)
	for _, e := range batch {
		if err := encoder.Encode(e); err != nil {
			return err
		}
	}
	return http.NewResponseController(w).Flush()
}
