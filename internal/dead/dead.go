// Package dead keeps dead letters on disk: requests whose workers ended, one after the other, until the proxy gave up and answered with an
// error. A [Store] is a file with one service's letters, bounded by size and age; the oldest go first.
//
// The file is held open, and locked, for the time of one call only: the proxy that writes letters and the commands that read and remove
// them share it without knowing of each other, whether the fleet runs or not. What becomes of a letter is left to package cli, when one is
// written to package proxy.
package dead

import (
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

// Letter is one request that is dead.
type Letter struct {
	ID       string    `json:"id"` // given by Store.Add; in the order of arrival in the store, 9 of 0-9 and a-z
	Service  string    `json:"service"`
	Code     string    `json:"code"`                  // of the client's error reply
	Template string    `json:"error_reply,omitempty"` // of that, where it was the service's own
	Arrived  time.Time `json:"arrived"`
	Died     time.Time `json:"died"`
	Attempts []Attempt `json:"attempts"`
	Envelope int       `json:"envelope"` // bytes of Wire up to and including the delimiter
	Size     int       `json:"size"`     // bytes of Wire
	Wire     []byte    `json:"-"`        // the request's frames as they came, with their headers (RFC 37, Framing)
}

// Attempt is one worker that the request was at when it ended.
type Attempt struct {
	Worker string    `json:"worker,omitempty"` // hello/3#7, or "" when zfleet did not start it
	Peer   string    `json:"peer"`             // its address
	Pid    int       `json:"pid,omitempty"`
	Began  time.Time `json:"began"` // when it can have begun on the request
	Ended  time.Time `json:"ended"`
	Reason string    `json:"reason"`         // why its connection ended
	Exit   *Exit     `json:"exit,omitempty"` // of a worker of the fleet, once it is known
}

// Exit is how a worker's process ended.
type Exit struct {
	Reason    string   `json:"reason"` // in words
	Code      int      `json:"code"`   // exit status; -1: none
	Signal    string   `json:"signal,omitempty"`
	LastLines []string `json:"last_lines,omitempty"` // that it printed, oldest first
}

// Body is the request's frames behind the envelope.
func (l *Letter) Body() [][]byte { return frames(l.Wire[l.Envelope:]) }

// Hops is the envelope's frames, without the delimiter: none for a REQ that is connected itself.
func (l *Letter) Hops() [][]byte {
	all := frames(l.Wire[:l.Envelope])
	return all[:max(len(all)-1, 0)]
}

func frames(wire []byte) (all [][]byte) {
	for body := range zmtp.Frames(wire) {
		all = append(all, body)
	}
	return all
}

// amend adds how a worker ended to the attempts that ended with it, and says whether there was one.
func (l *Letter) amend(worker string, exit Exit) (found bool) {
	for i := range l.Attempts {
		if a := &l.Attempts[i]; a.Worker == worker && a.Exit == nil {
			a.Exit, found = &exit, true
		}
	}
	return found
}

// Workers names who the request was at, oldest first, each once: foreign ones by their address.
func (l *Letter) Workers() (names []string) {
	for _, a := range l.Attempts {
		name := a.Worker
		if name == "" {
			name = a.Peer
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
