package admin

import (
	"cmp"
	"fmt"
	"net/http"
)

// Error is a refusal that travels: the server answers with Status and the rest as JSON, the client returns it again.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Advice  string `json:"hint,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Hint is what the caller can do about it, or "".
func (e *Error) Hint() string { return e.Advice }

// The codes of an [Error].
const (
	CodeBadRequest     = "bad_request"
	CodeForbidden      = "forbidden"
	CodeNotFound       = "not_found"
	CodeMethod         = "method_not_allowed"
	CodeUnknownService = "unknown_service"
	CodeRefused        = "refused"
	CodeStopping       = "stopping"
	CodeTimeout        = "timeout"
	CodeInternal       = "internal"
)

var statuses = map[string]int{
	CodeBadRequest:     http.StatusBadRequest,
	CodeForbidden:      http.StatusForbidden,
	CodeNotFound:       http.StatusNotFound,
	CodeMethod:         http.StatusMethodNotAllowed,
	CodeUnknownService: http.StatusNotFound,
	CodeRefused:        http.StatusUnprocessableEntity,
	CodeStopping:       http.StatusServiceUnavailable,
	CodeTimeout:        http.StatusGatewayTimeout,
	CodeInternal:       http.StatusInternalServerError,
}

// Errorf makes an [Error] with the status that belongs to its code.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Status: statuses[code], Code: code, Message: fmt.Sprintf(format, args...)}
}

// NoFleet says that nobody listens at a fleet's socket.
type NoFleet struct {
	Fleet  string // "" when only the socket is known
	File   string // the fleet file that was asked for, "" when none was
	Socket string
}

func (e *NoFleet) Error() string {
	if e.Fleet == "" {
		return fmt.Sprintf("no fleet is running at socket %s", e.Socket)
	}
	return fmt.Sprintf("no fleet %q is running (socket %s)", e.Fleet, e.Socket)
}

// Hint is how to start one.
func (e *NoFleet) Hint() string { return "zfleet up " + cmp.Or(e.File, "FILE") }

// AlreadyRunning says that a fleet of this name runs, or that its socket is another's.
type AlreadyRunning struct{ Version }

func (e *AlreadyRunning) Error() string {
	text := "already running"
	switch {
	case e.Pid != 0 && e.File != "":
		text += fmt.Sprintf(" (pid %d, started with %s)", e.Pid, e.File)
	case e.Pid != 0:
		text += fmt.Sprintf(" (pid %d)", e.Pid)
	}
	return fmt.Sprintf("cannot start fleet %q: it is %s", e.Fleet, text)
}

// Hint is how to reach the one that runs, or to have both.
func (e *AlreadyRunning) Hint() string {
	return "zfleet ps and zfleet scale reach the one that runs; to have both, give this one another name in its file"
}
