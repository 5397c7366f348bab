// Package handover is what a proxy process tells the one that takes its place, and how: the values, and their form on a unix socket. Writer
// and Reader are its two ends. What the values are taken from, and made into, is left to package proxy.
//
// The new process (the taker) asks the old one (the giver) with Ask, over an upgraded connection to the control socket. Then
//
//	giver   Intro, the descriptors of all connections (package passfd), State, each Request, each Conn, End
//	taker   Ready, when it has rebuilt all of it
//	giver   Go, and ends
//
// Either may say No instead, or hang up, until Go: the giver then serves as before, and the taker ends without having touched a socket. Each
// of these is a kind, the lengths of a head and of a body, and those two. Heads are JSON, but for those of requests, of which there may be a
// million.
package handover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/dispatch"
	"github.com/zfleet/zfleet/proxy/zmtp"
)

// Format is the number of the form that is written here. It changes when a release before cannot make sense of it at all. A new field does
// not need another one: a reader that does not know it refuses, and where it is missing it is zero.
const Format = 1

// Parts are what a giver may have to tell of. One with something that the taker does not know of refuses.
var Parts = []string{"connections", "handshakes", "workers", "requests", "dead letters"}

// Ask is the body of POST /v1/handover.
type Ask struct {
	Format int      `json:"format"` // what the taker reads
	Parts  []string `json:"parts"`
	Pid    int      `json:"pid"`
}

// Check says why what the asker reads is not what is written here.
func (a Ask) Check() error {
	if a.Format != Format {
		return fmt.Errorf("cannot hand over: this proxy writes format %d, and the new one reads %d: restart it instead", Format, a.Format)
	}
	if missing := without(Parts, a.Parts); len(missing) > 0 {
		return fmt.Errorf("cannot hand over: the new proxy does not know of %s: restart it instead", strings.Join(missing, ", "))
	}
	return nil
}

// Intro is what the taker hears first.
type Intro struct {
	Format int
	Parts  []string
	Pid    int
	Conns  int // connections, whose descriptors follow
}

// Check says why what is introduced cannot be read here.
func (i Intro) Check() error {
	if i.Format != Format {
		return fmt.Errorf("the proxy writes format %d, and this one reads %d", i.Format, Format)
	}
	if missing := without(i.Parts, Parts); len(missing) > 0 {
		return fmt.Errorf("this proxy does not know of %s", strings.Join(missing, ", "))
	}
	if i.Conns < 0 {
		return fmt.Errorf("it has %d connections", i.Conns)
	}
	return nil
}

func without(all, known []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(known, s) })
}

// State is the proxy but for its requests and connections. Times without a date are since Began.
type State struct {
	Began    int64         // of the first process of the line: nanoseconds of CLOCK_MONOTONIC
	Now      time.Duration // when the giver stopped
	Core     dispatch.State
	Counters control.Counters
	Lane     uint64   // the last lane's number
	Leaving  []string // workers that are drained, the oldest first
	OnHold   []string // workers that are not ready, sorted
	Quiet    bool
	Letters  Letters
}

// Letters is what the writer of dead letters remembers.
type Letters struct {
	Kept, Lost uint64
	Recent     []control.Exit // of workers that a letter may come to name
	Awaited    []Awaited      // exits that letters on disk lack
}

// Awaited is an attempt of a letter on disk whose worker's exit is not known yet.
type Awaited struct{ Worker, Letter string }

// Conn is one connection. Its descriptor is at the same place among all. The body is what was read of it and not handled, and then what it
// is still to be sent.
type Conn struct {
	Backend      bool
	Since, Until time.Duration // accepted; when the handshake must be done
	Shake        *zmtp.HandshakeState
	Client       uint64 // of dispatch; 0: no established client
	Lane         *Lane  // of an established worker
	In           int    // bytes of the body that were read
	Pongs        int
	Mute         bool
	Paused       bool
	Choked       bool
	Complained   bool
}

// Lane is the worker behind a connection.
type Lane struct {
	ID            uint64
	Core          uint64 // of dispatch
	Worker, Peer  string
	Pid           int
	Since         time.Time
	Orphan        bool
	Told          bool
	Hung          string
	Unfit         string
	Worse         string    // why it was ejected last
	Out           time.Time // until when
	Heard, Pinged time.Duration
	Able          bool
}

// Request is one request. The body is its message, with nothing before the client's envelope.
type Request struct {
	dispatch.RequestState
	Attempts []dead.Attempt
}
