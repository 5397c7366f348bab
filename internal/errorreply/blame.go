package errorreply

import (
	"bytes"
	"encoding/json"
	"slices"
)

// mostBlame is how large an error reply may be to be read: the loop of a proxy reads it.
const mostBlame = 64 << 10

// blaming are the codes that speak of who answers. The others speak of the request, and whoever answers it has to say the same.
var blaming = []string{"UNKNOWN", "INTERNAL", "DATA_LOSS", "UNIMPLEMENTED", Unavailable, DeadlineExceeded, ResourceExhausted}

// BlamesWorker says whether a reply's only frame is an error reply, as workerkit makes them, which may be the worker's own fault.
func BlamesWorker(frame []byte) bool {
	if len(frame) > mostBlame || !bytes.HasPrefix(frame, []byte(`{"zfleet":`)) {
		return false
	}
	var reply struct {
		Zfleet struct {
			Code string `json:"code"`
		} `json:"zfleet"`
	}
	return json.Unmarshal(frame, &reply) == nil && slices.Contains(blaming, reply.Zfleet.Code)
}
