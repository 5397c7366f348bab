package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"
)

// Fleet is what the API commands. Every method may be called from any goroutine. An [Error] is answered as it is, any other error as
// an internal one.
type Fleet interface {
	Status(ctx context.Context) (Status, error)
	Scale(ctx context.Context, req ScaleRequest) (ScaleReply, error)
	// Settled waits until as many workers are ready as wanted and none is leaving: of one service, or of all when it is "".
	Settled(ctx context.Context, service string) (Status, error)
	Restart(ctx context.Context, req RestartRequest) (RestartReply, error)
	// Rolled waits until a service ("": the first) has no rolling restart that goes on, or that of a number, if it is not 0, was undone.
	Rolled(ctx context.Context, service string, number int) (Roll, error)
	Upgrade(ctx context.Context, req UpgradeRequest) (UpgradeReply, error)
	// Upgraded waits until the proxy of a service ("": the first) is not being replaced.
	Upgraded(ctx context.Context, service string) (Upgrade, error)
	Reload(ctx context.Context, req ReloadRequest) (ReloadReply, error)
	Down(ctx context.Context, req DownRequest) error
	Version() Version
	// Events finds the events that are asked for. Read tells them, as values of JSON, until tell fails or, when they are followed, ctx ends.
	Events(ctx context.Context, q EventQuery) (read func(tell func(event any) error) error, err error)
}

const (
	answerIn     = 10 * time.Second // for everything but waiting
	versionField = "Zfleet-Version" // header of every answer: the daemon's version
)

// Server answers for one fleet.
type Server struct {
	http http.Server
	end  context.CancelFunc // lets go of those who wait
}

// NewServer makes a server of version for a fleet.
func NewServer(fleet Fleet, version string) *Server {
	ctx, end := context.WithCancel(context.Background())
	return &Server{end: end, http: http.Server{
		Handler:           handler(fleet, version),
		ReadHeaderTimeout: answerIn,
		ReadTimeout:       answerIn,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxBody,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withPeer,
	}}
}

// Serve answers until Close and returns nil then. It closes the listener.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close stops listening, answers those who wait that the fleet ends, and lets running answers finish until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	s.end()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

func handler(fleet Fleet, version string) http.Handler {
	mux := http.NewServeMux()
	serve := func(pattern string, waits bool, answer func(Fleet, *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(versionField, version)
			if !waits {
				ctx, cancel := context.WithTimeout(r.Context(), answerIn)
				defer cancel()
				r = r.WithContext(ctx)
			}
			value, err := answerTrusted(fleet, r, answer)
			write(w, value, err)
		})
	}
	for _, rt := range routes {
		serve(rt.method+" "+rt.path, rt.waits, rt.answer)
	}
	mux.HandleFunc("GET "+eventsPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(versionField, version)
		streamEvents(fleet, w, r)
	})
	serve("/", false, noRoute)
	return mux
}

func answerTrusted(fleet Fleet, r *http.Request, answer func(Fleet, *http.Request) (any, error)) (any, error) {
	if err := checkPeer(r); err != nil {
		return nil, err
	}
	return answer(fleet, r)
}

// write is the one place that turns an answer into a status and JSON.
func write(w http.ResponseWriter, value any, err error) {
	status := http.StatusOK
	if err != nil {
		refusal := refusalOf(err)
		status, value = refusal.Status, struct {
			Error *Error `json:"error"`
		}{refusal}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerIn))
	w.WriteHeader(status)
	// What cannot be written has no reader any more.
	_ = json.NewEncoder(w).Encode(value)
}

func refusalOf(err error) *Error {
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, context.DeadlineExceeded):
		return Errorf(CodeTimeout, "no answer from the supervisor in %v", answerIn)
	case errors.Is(err, context.Canceled):
		return Errorf(CodeStopping, "the fleet is ending")
	}
	return Errorf(CodeInternal, "%v", err)
}
