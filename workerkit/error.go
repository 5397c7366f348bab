package workerkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of error a reply is. The names and their meanings are gRPC's.
type Code string

// The codes.
const (
	Cancelled          Code = "CANCELLED"
	Unknown            Code = "UNKNOWN"
	InvalidArgument    Code = "INVALID_ARGUMENT"
	DeadlineExceeded   Code = "DEADLINE_EXCEEDED"
	NotFound           Code = "NOT_FOUND"
	AlreadyExists      Code = "ALREADY_EXISTS"
	PermissionDenied   Code = "PERMISSION_DENIED"
	ResourceExhausted  Code = "RESOURCE_EXHAUSTED"
	FailedPrecondition Code = "FAILED_PRECONDITION"
	Aborted            Code = "ABORTED"
	OutOfRange         Code = "OUT_OF_RANGE"
	Unimplemented      Code = "UNIMPLEMENTED"
	Internal           Code = "INTERNAL"
	Unavailable        Code = "UNAVAILABLE"
	DataLoss           Code = "DATA_LOSS"
	Unauthenticated    Code = "UNAUTHENTICATED"
)

// Error is an error with a code. As a reply it is one frame of JSON, {"zfleet":{"code":"NOT_FOUND","message":"no such user"}}. Errors of
// other types are replied as UNKNOWN, with their text as the message.
type Error struct {
	Code    Code
	Message string
	cause   error
}

// Errorf returns an *Error for a handler to return. The format is fmt.Errorf's, %w included.
func Errorf(code Code, format string, args ...any) error {
	cause := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: cause.Error(), cause: errors.Unwrap(cause)}
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap returns what Errorf's %w named, or nil.
func (e *Error) Unwrap() error { return e.cause }

// errorReply is the JSON of an error reply.
type errorReply struct {
	Zfleet *replyBody `json:"zfleet"`
}

type replyBody struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// errorFrame is the one frame that err is replied as.
func errorFrame(err error) []byte {
	body := replyBody{Code: Unknown, Message: err.Error()}
	if e := (*Error)(nil); errors.As(err, &e) {
		body.Code = e.Code
		body.Message = strings.TrimPrefix(body.Message, string(e.Code)+": ") // the code is said once
	}
	var frame bytes.Buffer
	enc := json.NewEncoder(&frame)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(errorReply{&body}) // two strings into memory: it cannot fail
	return bytes.TrimSuffix(frame.Bytes(), []byte("\n"))
}

// ReplyError returns the error that a reply carries, or nil when it is an ordinary reply. It knows the replies of workers and those that
// the proxy makes when it gives a request up.
func ReplyError(reply [][]byte) *Error {
	if len(reply) != 1 || !bytes.HasPrefix(reply[0], []byte(`{"zfleet":`)) {
		return nil
	}
	var r errorReply
	if json.Unmarshal(reply[0], &r) != nil || r.Zfleet == nil || r.Zfleet.Code == "" {
		return nil
	}
	return &Error{Code: r.Zfleet.Code, Message: r.Zfleet.Message}
}
