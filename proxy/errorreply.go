package proxy

import (
	"encoding/json"
	"fmt"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// errorReply is what a client gets when no worker's reply will come: one frame of JSON in the client's own envelope. Codes are gRPC's.
type errorReply struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Attempts int    `json:"attempts,omitempty"`
}

// errorFor says why a request is answered with an error.
func (l *loop) errorFor(a dispatch.Action[*message]) errorReply {
	switch a.Cause {
	case dispatch.Overdue:
		return errorReply{Code: "DEADLINE_EXCEEDED", Message: fmt.Sprintf("no reply within %v", l.opts.Dispatch.Deadline), Attempts: a.Attempts}
	case dispatch.AttemptsUsed:
		return unavailable(a.Attempts)
	case dispatch.LaneLost:
		return errorReply{Code: "ABORTED", Message: "its worker ended, and this service's requests are not delivered twice", Attempts: a.Attempts}
	case dispatch.Rejected:
		return errorReply{Code: "RESOURCE_EXHAUSTED", Message: "the queue is full"}
	}
	return shuttingDown
}

func unavailable(attempts int) errorReply {
	return errorReply{
		Code:     "UNAVAILABLE",
		Message:  fmt.Sprintf("%d workers ended, or took too long, while they handled this request", attempts),
		Attempts: attempts,
	}
}

var shuttingDown = errorReply{Code: "UNAVAILABLE", Message: "the service is shutting down"}

func (e errorReply) json() []byte {
	b, err := json.Marshal(map[string]errorReply{"zfleet": e})
	if err != nil {
		panic(err) // strings and an int always marshal
	}
	return b
}
