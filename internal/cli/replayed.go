package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/internal/errorreply"
)

// What became of a letter.
const (
	wasAnswered   = "answered"   // by a worker
	wasFailed     = "failed"     // with an error reply
	wasUnanswered = "unanswered" // not within --timeout, or not sent
)

// replayed is one letter's outcome; -o json prints a list of them.
type replayed struct {
	ID      string      `json:"id"`
	Service string      `json:"service"`
	Outcome string      `json:"outcome"`
	Reply   []jsonFrame `json:"reply,omitempty"`
	Error   string      `json:"error,omitempty"` // why there is no reply
	Removed bool        `json:"removed"`
	Again   string      `json:"again,omitempty"` // the id of the letter that it has become now

	reply [][]byte
}

// String is the outcome for people.
func (r replayed) String() string {
	switch {
	case r.Outcome == wasUnanswered:
		return r.ID + " was not answered, and stays: " + r.Error
	case r.Again != "":
		return r.ID + " failed again, and is now " + r.Again + ": " + shortFrames(r.reply)
	case r.Outcome == wasFailed:
		return r.ID + " failed, and stays: " + shortFrames(r.reply)
	case r.Removed:
		return r.ID + " was answered: " + shortFrames(r.reply)
	}
	return r.ID + " was answered, and stays: " + shortFrames(r.reply)
}

// outcomeOf is nil when every letter was answered.
func outcomeOf(results []replayed) error {
	left, late := 0, 0
	for _, r := range results {
		switch r.Outcome {
		case wasFailed:
			left++
		case wasUnanswered:
			left++
			late++
		}
	}
	text := fmt.Sprintf("cannot get a worker's answer to %d of %s", left, count(len(results), "dead letter"))
	switch {
	case left == 0:
		return nil
	case left == late:
		return &lateError{text, "zfleet ps"}
	}
	return &someFailed{text}
}

// ofHandler says whether an error reply cannot be the proxy's word for workers that ended.
func ofHandler(reply [][]byte) bool {
	e := asErrorReply(reply)
	return e != nil && e.Code != errorreply.Unavailable && e.Code != errorreply.Aborted
}

// rebornWithin is how long a letter that fails again may take to be written again.
const rebornWithin = 2 * time.Second

// reborn finds the letter that a request has become again, "" when it has not: the proxy answers first, and writes then. Without it two
// letters would come of one each time.
func reborn(store stored, before []dead.Letter, l *dead.Letter) string {
	for deadline := time.Now().Add(rebornWithin); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		now, err := store.List()
		if err != nil {
			return ""
		}
		for _, later := range slices.Backward(now) {
			if len(before) > 0 && later.ID <= before[len(before)-1].ID {
				break
			}
			if whole, err := store.Get(later.ID); err == nil && slices.EqualFunc(whole.Body(), l.Body(), slices.Equal) {
				return later.ID
			}
		}
	}
	return ""
}

// someFailed is letters that came back as errors.
type someFailed struct{ text string }

func (e *someFailed) Error() string { return e.text }

func (*someFailed) exitCode() int { return exitErrorReply }
