package handover

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// A request's head is numbers in a row, and behind them its attempts as JSON, if it has any.

const (
	flagEnded = 1 << iota
	flagLate
	flagsKnown = flagEnded | flagLate
)

func appendRequest(b []byte, r Request) ([]byte, error) {
	flags := uint64(0)
	if r.Ended {
		flags |= flagEnded
	}
	if r.Late {
		flags |= flagLate
	}
	for _, n := range []uint64{
		uint64(r.Index), uint64(r.Delivery), r.Client, r.Lane, uint64(r.Size), uint64(r.Arrived), uint64(r.Age), uint64(r.Strikes),
		uint64(r.Cause), flags,
	} {
		b = binary.AppendUvarint(b, n)
	}
	if len(r.Attempts) == 0 {
		return b, nil
	}
	text, err := json.Marshal(r.Attempts)
	return append(b, text...), err
}

var errRequest = errors.New("a request's head is malformed")

// ParseRequest reads the head of a request.
func ParseRequest(b []byte) (r Request, err error) {
	n := numbers{b: b}
	r.RequestState = dispatch.RequestState{
		Index: uint32(n.next(math.MaxUint32)), Delivery: uint32(n.next(math.MaxUint32)), Client: n.next(math.MaxUint64), Lane: n.next(math.MaxUint64),
		Size: int(n.next(math.MaxInt)), Arrived: time.Duration(n.next(math.MaxInt64)), Age: int(n.next(math.MaxInt)),
		Strikes: int32(n.next(math.MaxInt32)), Cause: dispatch.Cause(n.next(math.MaxUint8)),
	}
	flags := n.next(flagsKnown)
	r.Ended, r.Late = flags&flagEnded != 0, flags&flagLate != 0
	switch {
	case n.bad:
		return r, errRequest
	case len(n.b) > 0:
		var attempts []dead.Attempt // of its own, so that a request without any costs no memory
		err = Parse(n.b, &attempts)
		r.Attempts = attempts
	}
	return r, err
}

// numbers takes one number after the other. A malformed one makes it bad, and all that follow are zero.
type numbers struct {
	b   []byte
	bad bool
}

func (n *numbers) next(most uint64) uint64 {
	v, used := binary.Uvarint(n.b)
	if used <= 0 || v > most || n.bad {
		n.bad = true
		return 0
	}
	n.b = n.b[used:]
	return v
}
