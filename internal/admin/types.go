// Package admin is the fleet's admin API, both ends: HTTP and JSON over a unix socket. Types and paths are here; [Server] is a table of
// routes over a [Fleet]; [Client] is what every command uses; [MakeRunDir], [Claim] and [Listen] make sure that a fleet runs once. What a
// fleet is and does is left to package daemon, words for people to package cli.
//
//	GET  /v1/fleet                        Status
//	POST /v1/scale   ScaleRequest         ScaleReply, at once
//	GET  /v1/settled?service=hello        Status, when as many are ready as wanted and none is leaving; no service: when all are
//	POST /v1/restart RestartRequest       RestartReply, at once
//	GET  /v1/rolled?service=hello&roll=2  Roll, when the rolling restart is over or frozen, or that of the number was undone
//	POST /v1/upgrade UpgradeRequest       UpgradeReply, at once
//	GET  /v1/upgraded?service=hello       Upgrade, when the service's proxy is not being replaced any more
//	POST /v1/reload  ReloadRequest        ReloadReply, at once
//	POST /v1/down    DownRequest          {}, at once
//	GET  /v1/version                      Version
//	GET  /v1/events?follow=true           events, one JSON value a line; see [EventQuery]
//
// What goes wrong is answered with a status of 400 or more and {"error":{"code":"unknown_service","message":"…","hint":"…"}}. The path
// of the socket is [SocketPath]:
//
//	curl --unix-socket $XDG_RUNTIME_DIR/zfleet/hello/admin.sock http://zfleet/v1/fleet
package admin

import "time"

// Status is the fleet as `zfleet ps -o json` prints it. It is a contract: keys may be added, not changed.
type Status struct {
	Fleet    string    `json:"fleet"`
	Stopping bool      `json:"stopping,omitempty"` // it was told to end
	Cgroups  string    `json:"cgroups,omitempty"`  // which limits of the fleet file are not applied, and why
	Services []Service `json:"services"`

	Supervisor *Supervisor `json:"supervisor,omitempty"`
}

// Supervisor is the process that runs the fleet.
type Supervisor struct {
	Pid        int    `json:"pid"`
	Version    string `json:"version"`
	Goroutines int    `json:"goroutines"`
	Heap       uint64 `json:"heap"` // bytes of objects, garbage included
}

// Service is one service of a Status.
type Service struct {
	Name     string   `json:"name"`
	Frontend []string `json:"frontend"` // as declared
	Backend  []string `json:"backend"`
	Bound    *Bound   `json:"bound,omitempty"`   // when the proxy answers
	Leaving  bool     `json:"leaving,omitempty"` // it is not declared any more, and goes when its requests are answered
	Proxy    Proxy    `json:"proxy"`
	Want     int      `json:"want"`
	Ready    int      `json:"ready"`
	Queued   int      `json:"queued"`
	Clients  int      `json:"clients"`
	Counters Counters `json:"counters"`
	Roll     *Roll    `json:"roll,omitempty"`     // the last rolling restart, if there was one
	Upgrade  *Upgrade `json:"upgrade,omitempty"`  // the last replacement of the proxy, if there was one
	Degraded string   `json:"degraded,omitempty"` // why silent workers are not killed, or that all say they are not ready; "": neither

	Autoscale *Autoscale `json:"autoscale,omitempty"` // when the service has it

	Workers []Worker `json:"workers"`
	Foreign []Lane   `json:"foreign,omitempty"` // lanes of workers that zfleet did not start
}

// Counters only ever grow, from the start of the proxy process. One that takes over goes on counting.
type Counters struct {
	Requests    uint64 `json:"requests"`    // read from clients
	Replies     uint64 `json:"replies"`     // given to clients
	Redelivered uint64 `json:"redelivered"` // deliveries to a worker after the first
	Failed      uint64 `json:"failed"`      // requests answered with an error by the proxy
	Rejected    uint64 `json:"rejected"`    // of the failed ones, those that a full queue did not take
	Dead        uint64 `json:"dead"`        // dead letters that were written
	DeadLost    uint64 `json:"dead_lost"`   // dead letters that could not be
}

// Bound is what a service's endpoints became: tcp://127.0.0.1:* with the port that the kernel gave.
type Bound struct {
	Frontend []string `json:"frontend"`
	Backend  []string `json:"backend"`
}

// Proxy is a service's proxy process. State is a worker's state, or [Unresponsive].
type Proxy struct {
	Pid     int    `json:"pid"`
	State   string `json:"state"`
	Reason  string `json:"reason,omitempty"`
	Version string `json:"version,omitempty"` // of its program, when it answers
	Stale   bool   `json:"stale,omitempty"`   // its program has changed on disk since it was started

	Goroutines int    `json:"goroutines,omitempty"` // when it answers
	Heap       uint64 `json:"heap,omitempty"`       // bytes of objects, garbage included
}

// Unresponsive is the state of a proxy that runs and does not answer its control socket. The numbers that it alone knows (queued,
// clients, counters, inflight, answered, foreign) are 0 then.
const Unresponsive = "unresponsive"

// Stuck is what a foreign worker is called whose lane says why it is stuck, and Out one that is ejected.
const (
	Stuck = "stuck"
	Out   = "ejected"
)

// Worker is one slot.
type Worker struct {
	Name     string    `json:"name"` // hello/0#1
	Slot     int       `json:"slot"`
	Life     int       `json:"life"`
	Pid      int       `json:"pid"`
	State    string    `json:"state"`
	Restarts int       `json:"restarts"`
	Since    time.Time `json:"since"`
	Inflight int       `json:"inflight"`
	Answered uint64    `json:"answered"` // by the lanes that it has now
	Reason   string    `json:"reason,omitempty"`
	Replaces string    `json:"replaces,omitempty"` // the worker of the same slot whose place it takes when it is ready
	Stale    bool      `json:"stale,omitempty"`    // its program has changed since it was started

	Doubtful bool     `json:"doubtful,omitempty"` // it fails or is slow, and gets only what others have no room for
	Ejected  *Ejected `json:"ejected,omitempty"`  // it gets no requests for a while; with several connections, that of the first
}

// Ejected is why a worker gets no requests for a while.
type Ejected struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"` // then it is tried again, if not sooner
}

// Roll is a service's rolling restart.
type Roll struct {
	Service   string   `json:"service"`
	Number    int      `json:"number"` // the first is 1
	State     string   `json:"state"`  // rolling, frozen, done, undone
	Done      int      `json:"done"`   // workers that are replaced, and those that take their places are ready
	Of        int      `json:"of"`
	Reason    string   `json:"reason,omitempty"`     // why it is frozen
	LastLines []string `json:"last_lines,omitempty"` // that the worker printed on whose account it is
}

// The states of a Roll.
const (
	RollRolling = "rolling"
	RollFrozen  = "frozen"
	RollDone    = "done"
	RollUndone  = "undone"
)

// Autoscale is how a service's number of workers is decided. What was measured is 0 until it has been.
type Autoscale struct {
	Min          int        `json:"min"`
	Max          int        `json:"max"`
	TargetWaitMS float64    `json:"target_wait_ms"`
	Held         bool       `json:"held,omitempty"`    // a number that was set by hand holds
	Want         int        `json:"want"`              // as many workers as it decided on last
	Reason       string     `json:"reason,omitempty"`  // of that, which may be that nothing has to change
	WaitMS       float64    `json:"wait_ms"`           // of requests in the queue, lately
	Busy         float64    `json:"busy"`              // lanes that worked, on average, lately
	Rate         float64    `json:"rate"`              // requests a second, lately
	Penalty      int        `json:"penalty,omitempty"` // times slower decreases, since some turned out wrong; 1: none
	Change       *AutoScale `json:"change,omitempty"`  // the last one
}

// AutoScale is one change by autoscaling.
type AutoScale struct {
	At     time.Time `json:"at"`
	Was    int       `json:"was"`
	Want   int       `json:"want"`
	Cause  string    `json:"cause"` // waits, woken, surplus, idle, bounds
	Reason string    `json:"reason"`
}

// Lane is a foreign worker's connection.
type Lane struct {
	Peer     string `json:"peer"`
	Pid      int    `json:"pid,omitempty"`
	Inflight int    `json:"inflight"`
	Answered uint64 `json:"answered"`
	Stuck    string `json:"stuck,omitempty"` // why it gets nothing: until it has answered what was taken back from it, or a probe

	Doubtful bool     `json:"doubtful,omitempty"` // as a [Worker]'s
	Ejected  *Ejected `json:"ejected,omitempty"`
}

// ScaleRequest sets a service's number of workers, or changes it by Delta when Count is nil, or leaves it to autoscaling again.
type ScaleRequest struct {
	Service string `json:"service"` // "": the first
	Auto    bool   `json:"auto,omitempty"`
	Count   *int   `json:"count,omitempty"`
	Delta   int    `json:"delta,omitempty"`
	By      string `json:"-"` // who asks: the server says it, of whom the kernel says it
}

// ScaleReply says what is wanted now, and what was before.
type ScaleReply struct {
	Service string `json:"service"`
	Want    int    `json:"want"`
	Was     int    `json:"was"`
	Auto    string `json:"auto,omitempty"` // with autoscaling: it decides, or is held by this number
}

// The values of Auto in a [ScaleReply].
const (
	AutoDecides = "decides"
	AutoHeld    = "held"
)

// RestartRequest replaces workers by newer ones: all of a service, or those of one slot. Or it says how a rolling restart goes on.
type RestartRequest struct {
	Service string `json:"service"` // "": all services
	Slot    *int   `json:"slot,omitempty"`
	Do      string `json:"do,omitempty"` // "", "continue" or "undo"
	By      string `json:"-"`            // as in ScaleRequest
}

// What a RestartRequest can do beside beginning one.
const (
	RestartContinue = "continue"
	RestartUndo     = "undo"
)

// RestartReply is the rolling restarts that were asked for, as they are now.
type RestartReply struct {
	Rolls []Roll `json:"rolls"`
}

// UpgradeRequest has new proxies, of the zfleet binary that is on disk now, take over from those of a service.
type UpgradeRequest struct {
	Service string `json:"service"` // "": all services
	By      string `json:"-"`       // as in ScaleRequest
}

// UpgradeReply is the proxies as they are before.
type UpgradeReply struct {
	Upgrades []Upgrade `json:"upgrades"`
}

// Upgrade is the replacement of a service's proxy, and the proxy that serves. Pid is 0 when that does not answer, and in a [Status], which has
// the proxy elsewhere.
type Upgrade struct {
	Service   string   `json:"service"`
	Number    int      `json:"number"` // the first is 1; 0: there was none
	State     string   `json:"state"`  // upgrading, done, failed
	Reason    string   `json:"reason,omitempty"`
	LastLines []string `json:"last_lines,omitempty"` // that the new proxy printed, when it failed
	Pid       int      `json:"pid,omitempty"`
	Version   string   `json:"version,omitempty"`
	Clients   int      `json:"clients,omitempty"`
}

// The states of an Upgrade.
const (
	UpgradeUpgrading = "upgrading"
	UpgradeDone      = "done"
	UpgradeFailed    = "failed"
)

// ReloadRequest has the fleet become what its file says now.
type ReloadRequest struct {
	DryRun bool   `json:"dry_run,omitempty"` // only say what would be done
	By     string `json:"-"`                 // as in ScaleRequest
}

// ReloadReply is what is done for it, in this order. When one step is refused, nothing is.
type ReloadReply struct {
	Steps   []ReloadStep `json:"steps"`
	Refused bool         `json:"refused,omitempty"`
}

// ReloadStep is one thing that is done: to a service, or to the fleet.
type ReloadStep struct {
	Do      string `json:"do"` // add, remove, proxy, scale, roll, set, refuse, later
	Service string `json:"service,omitempty"`
	What    string `json:"what"` // "" where Do says it all
}

// What a ReloadStep does: a service that comes, one that goes, another number of workers, workers replaced by new ones, settings that hold
// at once, another proxy that takes over, what cannot be while the fleet runs, and what holds from its next start.
const (
	ReloadAdd    = "add"
	ReloadRemove = "remove"
	ReloadScale  = "scale"
	ReloadRoll   = "roll"
	ReloadSet    = "set"
	ReloadProxy  = "proxy"
	ReloadRefuse = "refuse"
	ReloadLater  = "later"
)

// DownRequest ends the fleet: drained, or Now.
type DownRequest struct {
	Now bool   `json:"now,omitempty"`
	By  string `json:"-"` // as in ScaleRequest
}

// EventQuery is which events are wanted. In a URL: ?service=hello&worker=hello/3&since=10m&n=100&follow=true.
type EventQuery struct {
	Service string
	Worker  string    // a slot, or one life
	Since   time.Time // zero: from the beginning. In a URL it is a duration, or a time as in RFC 3339
	Last    int       // at most so many of those; -1: all
	Follow  bool      // and those that come from now on
}

// Version is who answers.
type Version struct {
	Version string `json:"version"`
	Pid     int    `json:"pid"`
	Fleet   string `json:"fleet"`
	File    string `json:"file,omitempty"`   // the fleet.toml that it was started with, absolute
	Socket  string `json:"socket,omitempty"` // absolute
	State   string `json:"state,omitempty"`  // folder for what outlives the fleet, absolute
}
