// Package errorreply is what a client gets when no worker's reply will come: one frame, by a template that a service may choose. [Parse]
// checks a template, [Template.Frame] fills it in, [Template.Matches] recognises what was filled in. When a request fails, and with which
// code, is left to package proxy.
package errorreply

import (
	"fmt"
	"time"
)

// The codes are gRPC's.
const (
	Unavailable       = "UNAVAILABLE"
	DeadlineExceeded  = "DEADLINE_EXCEEDED"
	Aborted           = "ABORTED"
	ResourceExhausted = "RESOURCE_EXHAUSTED"
)

// Error is what a reply tells. Its words need no escapes in JSON or XML.
type Error struct {
	Code     string
	Message  string
	Attempts int // workers that ended, or took too long, while they handled the request
}

// AttemptsUsed is for a request that ended its last worker.
func AttemptsUsed(attempts int) Error {
	return Error{Unavailable, fmt.Sprintf("%d workers ended, or took too long, while they handled this request", attempts), attempts}
}

// WorkerLost is for a request that is not delivered twice.
func WorkerLost(attempts int) Error {
	return Error{Aborted, "its worker ended, or took too long, and this service's requests are not delivered twice", attempts}
}

// Overdue is for a request that was not answered by its deadline.
func Overdue(deadline time.Duration, attempts int) Error {
	return Error{DeadlineExceeded, fmt.Sprintf("no reply within %v", deadline), attempts}
}

// QueueFull and ShuttingDown are for requests that no worker ended with.
var (
	QueueFull    = Error{Code: ResourceExhausted, Message: "the queue is full"}
	ShuttingDown = Error{Code: Unavailable, Message: "the service is shutting down"}
)
