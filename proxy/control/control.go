// Package control is the contract between a proxy process and whoever supervises it: HTTP and JSON over a unix socket. It holds the
// types, the paths and the client; the server is in package proxy.
//
//	GET  /v1/snapshot        Snapshot
//	GET  /v1/events          a stream of Event, one JSON object a line: a LaneUp for every lane there is, Listed, then what happens
//	GET  /v1/lines           Lines: of its log, that nobody has read
//	POST /v1/name            Name: tells which worker a lane belongs to, when its handshake could not
//	POST /v1/drain           Drain: nothing new to that worker's lanes; answers when they hold nothing
//	POST /v1/hold            Hold: nothing new to the lanes of these workers, and of no others, until it is said anew
//	POST /v1/exit            Exit: how a worker's process ended, for its dead letters
//	POST /v1/quiesce         no new requests from clients; answers when nothing waits and nothing is outstanding
//	POST /v1/listeners       with Upgrade: Listener of every port, and the descriptors
//	POST /v1/handover        with Upgrade: everything goes to the process that asks; package handover says how
package control

import "time"

// Snapshot is the proxy at one moment.
type Snapshot struct {
	Pid      int       `json:"pid"`
	Version  string    `json:"version,omitempty"` // of the program
	Since    time.Time `json:"since"`
	Frontend []string  `json:"frontend"` // as bound: with the port that the kernel gave
	Backend  []string  `json:"backend"`
	Clients  int       `json:"clients"`
	Queued   int       `json:"queued"`   // requests that wait for a lane
	Inflight int       `json:"inflight"` // requests at a lane
	Load     Load      `json:"load"`
	Counters Counters  `json:"counters"`
	Lanes    []Lane    `json:"lanes"`

	Goroutines int    `json:"goroutines"`
	Heap       uint64 `json:"heap"` // bytes of objects, garbage included
}

// Load is how much the queue and the lanes have to do. The totals only ever grow, from the start of the proxy process; the difference
// between two snapshots is what was in between.
type Load struct {
	OldestUS  uint64 `json:"oldest_us"` // microseconds since the oldest of the requests that wait arrived; 0: none waits
	Working   int    `json:"working"`   // lanes that have a request
	Delivered uint64 `json:"delivered"` // requests given to a lane, each counted once
	WaitedUS  uint64 `json:"waited_us"` // microseconds from their arrival until then, all added up
	Answered  uint64 `json:"answered"`  // by lanes, those that are gone too
	BusyUS    uint64 `json:"busy_us"`   // microseconds that lanes had a request, all added up, those that are gone too
}

// Counters only ever grow, from the start of the proxy process.
type Counters struct {
	Requests     uint64 `json:"requests"`      // complete requests read from clients
	Replies      uint64 `json:"replies"`       // replies given to clients
	Redelivered  uint64 `json:"redelivered"`   // deliveries after the first
	Failed       uint64 `json:"failed"`        // requests answered with an error by the proxy
	Rejected     uint64 `json:"rejected"`      // of the failed ones, those that a full queue did not take
	Dead         uint64 `json:"dead"`          // dead letters that were written
	DeadLost     uint64 `json:"dead_lost"`     // dead letters that could not be
	NoEnvelope   uint64 `json:"no_envelope"`   // requests without an empty delimiter frame, dropped
	UnknownToken uint64 `json:"unknown_token"` // replies whose token names no outstanding request of that lane, dropped
	Abandoned    uint64 `json:"abandoned"`     // requests and replies dropped because their client had left, and replies after the deadline
	Ejected      uint64 `json:"ejected"`       // times that a lane was ejected because it was far worse than others
	Stuck        uint64 `json:"stuck"`         // times that a lane was set aside because a request was past its timeout
	SlowClients  uint64 `json:"slow_clients"`  // clients dropped because they did not read their replies
	BadPeers     uint64 `json:"bad_peers"`     // connections closed for breaking ZMTP, limits or the handshake's time
}

// Lane is one worker connection.
type Lane struct {
	ID       uint64    `json:"id"`
	Worker   string    `json:"worker,omitempty"` // hello/3#7, or "" when foreign or not named yet
	Peer     string    `json:"peer"`             // the remote address; for ipc, the endpoint
	Pid      int       `json:"pid,omitempty"`    // of the peer process, where it can be known
	Since    time.Time `json:"since"`
	Inflight int       `json:"inflight"`
	Answered uint64    `json:"answered"`
	BusyUS   uint64    `json:"busy_us"` // microseconds that it had a request
	Draining bool      `json:"draining,omitempty"`
	OnHold   bool      `json:"on_hold,omitempty"` // its worker is not ready: it gets nothing new
	Stuck    string    `json:"stuck,omitempty"`   // why it gets nothing until it has answered what was taken back from it; "": it is not stuck
	Unfit    string    `json:"unfit,omitempty"`   // why it is not well until it has answered a probe as it should; without a name it gets nothing; "": it has

	Doubtful     bool      `json:"doubtful,omitempty"`     // it fails or is slow, and gets only what others have no room for
	Ejected      string    `json:"ejected,omitempty"`      // why it gets nothing for a while; "": it is not ejected
	EjectedUntil time.Time `json:"ejected_until,omitzero"` // when it is tried again, if not sooner
}

// A Kind of Event.
type Kind string

const (
	Listed    Kind = "listed"     // all lanes that there were when the stream began have been told; it has no Lane
	LaneUp    Kind = "lane_up"    // handshake done, peer looked up
	LaneDown  Kind = "lane_down"  // connection ended; Reason says how
	LaneStuck Kind = "lane_stuck" // a request at this lane is past its timeout, and the lane is set aside; Reason says so
	LaneBack  Kind = "lane_back"  // a lane that was stuck has answered all that it had, or an ejected one is tried again: it gets requests

	LaneEjected Kind = "lane_ejected" // a lane is far worse than the others, and gets nothing for a while; Reason says how

	ProbeFailed Kind = "probe_failed" // this lane did not answer a probe as it should; Reason says how, and Lane.Unfit whether that is too often
	ProbeWell   Kind = "probe_well"   // it has answered one again
)

// Event is something that happened to a lane.
type Event struct {
	Kind   Kind      `json:"kind"`
	At     time.Time `json:"at"`
	Lane   Lane      `json:"lane"`
	Reason string    `json:"reason,omitempty"`
}

// Lines is the last lines of a proxy's log that it could not write, oldest first.
type Lines struct {
	Lines   []string `json:"lines"`
	Dropped int      `json:"dropped,omitempty"` // lines before them that were not kept
}

// Name is the body of POST /v1/name.
type Name struct {
	Lane   uint64 `json:"lane"`
	Worker string `json:"worker"`
}

// Drain is the body of POST /v1/drain. It holds for the worker's later lanes too.
type Drain struct {
	Worker string `json:"worker"`
}

// Hold is the body of POST /v1/hold. It holds for the workers' later lanes too, and takes the place of what was said before. Who is being
// drained stays so.
type Hold struct {
	Workers []string `json:"workers"`
}

// Exit is the body of POST /v1/exit. A letter that names the worker, now or later, tells it.
type Exit struct {
	Worker    string   `json:"worker"`
	Pid       int      `json:"pid"`
	Reason    string   `json:"reason"` // in words
	Code      int      `json:"code"`   // exit status; -1: none
	Signal    string   `json:"signal,omitempty"`
	LastLines []string `json:"last_lines,omitempty"` // that it printed, oldest first
}

// What a supervisor gives a proxy process in its environment.
const (
	EnvListeners = "ZFLEET_LISTENERS" // descriptors of bound sockets in the order of the flags: "frontend=3 frontend=4 backend=5"
	EnvSecret    = "ZFLEET_SECRET"    // PLAIN password of the fleet's workers
	EnvLifeline  = "ZFLEET_LIFELINE"  // descriptor of a pipe whose end of file means that the supervisor is gone
)
