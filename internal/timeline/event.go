// Package timeline is what became of a fleet: typed events, each with what caused it, kept in the fleet's state folder as lines of JSON.
// A [Journal] writes them, [Read] reads them, also while a fleet writes or when none runs, and [Tell] tells the story of one worker.
//
// What happens is found out elsewhere: package daemon makes events of what the supervisor's loop is told and decides. What workers print
// is in package workerlog.
package timeline

import (
	"encoding/json"
	"time"
)

// Kind is what happened, in the past tense or as the state that it led to.
type Kind string

// The kinds. To add one takes a line here, and one in package daemon that records it; words.go has those that need more words than their
// reason.
const (
	FleetStarted Kind = "fleet_started"
	FleetLost    Kind = "fleet_lost" // the one before ended without saying so
	FleetEnding  Kind = "fleet_ending"
	FleetEnded   Kind = "fleet_ended"
	EventsLost   Kind = "events_lost" // they could not be written

	ServiceUp    Kind = "service_up"
	ServiceAdded Kind = "service_added"
	ServiceGoing Kind = "service_going" // it was told to end
	ServiceGone  Kind = "service_gone"  // nothing is left of it
	Scaled       Kind = "scaled"
	Auto         Kind = "auto"     // its number of workers is left to autoscaling again
	Reloaded     Kind = "reloaded" // it is declared otherwise now

	Degraded Kind = "degraded" // workers that do not answer are left alone: too many are killed for that already; or all say that they are not ready
	Well     Kind = "well"     // neither is so any more

	Rolling    Kind = "rolling" // a rolling restart began, or goes on
	RollFrozen Kind = "roll_frozen"
	RollDone   Kind = "roll_done"
	RollUndone Kind = "roll_undone"

	LaneEjected Kind = "lane_ejected" // a worker's connection gets no requests for a while; without a worker, a foreign one's
	LaneBack    Kind = "lane_back"    // it gets requests again

	Upgrading   Kind = "upgrading" // a new proxy is to take over from the one that serves
	Upgraded    Kind = "upgraded"
	NotUpgraded Kind = "not_upgraded" // the one that was there serves on
	Adopted     Kind = "adopted"      // a new proxy has taken over from one that a killed supervisor left
	NotAdopted  Kind = "not_adopted"  // that was not to be: it was told to end

	Started   Kind = "started"
	Ready     Kind = "ready"
	Unready   Kind = "unready" // it was ready: it has lost its connection to the proxy, its health check says no
	Hung      Kind = "hung"
	Late      Kind = "late" // it did not become ready in time
	Killed    Kind = "killed"
	Draining  Kind = "draining" // it was told to stop
	Drained   Kind = "drained"
	Exited    Kind = "exited"
	Backoff   Kind = "backoff"
	Crashloop Kind = "crashloop"
	GaveUp    Kind = "gave_up" // it is not started again
	Dropped   Kind = "dropped" // it did not run, and is not wanted any more
)

// Event is one thing that happened. Keys of its JSON may be added, not changed.
type Event struct {
	Time    time.Time `json:"time"`
	Seq     uint64    `json:"seq,omitempty"` // from 1, over all starts of the fleet
	Kind    Kind      `json:"kind"`
	Fleet   string    `json:"fleet"`
	Service string    `json:"service,omitempty"`
	Worker  string    `json:"worker,omitempty"` // the life: hello/3#7, hello/proxy#1
	Cause   uint64    `json:"cause,omitempty"`  // Seq of what led to it
	Reason  string    `json:"reason,omitempty"` // in words
	Data    *Data     `json:"data,omitempty"`
}

// Data is what there is to know of some events.
type Data struct {
	Pid       int      `json:"pid,omitempty"`
	By        string   `json:"by,omitempty"`         // who asked: uid 1000 (pid 4711), SIGTTIN
	Was       *int     `json:"was,omitempty"`        // scaled: workers wanted
	Want      *int     `json:"want,omitempty"`       //
	Done      int      `json:"done,omitempty"`       // a rolling restart: workers that are replaced
	Of        int      `json:"of,omitempty"`         // and that there are to replace
	Clients   *int     `json:"clients,omitempty"`    // adopted: connections that the proxy had
	Waiting   *int     `json:"waiting,omitempty"`    // and requests that were not answered yet
	Status    *int     `json:"status,omitempty"`     // exited: its status
	Signal    string   `json:"signal,omitempty"`     // exited: what ended it
	OOM       bool     `json:"oom,omitempty"`        // exited: the kernel killed it for want of memory
	Dump      string   `json:"dump,omitempty"`       // exited: the signal that asked it for a stack dump before it was killed
	Rung      string   `json:"rung,omitempty"`       // exited: drained, terminated or killed, when it was told to stop
	After     Duration `json:"after,omitempty"`      // ready, exited: since it was started
	RetryIn   Duration `json:"retry_in,omitempty"`   // backoff, crashloop, lane_ejected
	Peer      string   `json:"peer,omitempty"`       // lane_ejected, lane_back: the other end of the connection
	LastLines []string `json:"last_lines,omitempty"` // exited: what it printed last, oldest first
}

// Duration is a time.Duration, written as in fleet.toml: "1.5s".
type Duration time.Duration

func (d Duration) String() string { return rounded(time.Duration(d)).String() }

// MarshalText writes it as Go does, in full.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// rounded leaves out what nobody wants to read: 4.217s, 3m20s.
func rounded(d time.Duration) time.Duration {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(100 * time.Millisecond)
	case d > 0:
		return max(d.Round(time.Millisecond), time.Millisecond)
	}
	return d
}

// parse reads a line; false: it is none of ours, or was cut off.
func parse(line []byte) (e Event, ok bool) {
	err := json.Unmarshal(line, &e)
	return e, err == nil && e.Kind != "" && !e.Time.IsZero()
}

// data is never nil.
func (e Event) data() Data {
	if e.Data == nil {
		return Data{}
	}
	return *e.Data
}
