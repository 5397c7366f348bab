package workerlog

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Line is one line that a worker printed.
type Line struct {
	Time    time.Time `json:"time"`
	Worker  string    `json:"worker,omitempty"` // the life: hello/3#7
	Stream  string    `json:"stream,omitempty"` // stdout, stderr; zfleet: said in the worker's place
	Level   string    `json:"level,omitempty"`  // where the worker wrote JSON
	Message string    `json:"message"`

	slot string // hello/3
	raw  []byte
}

// own are the keys that Line has; what else a line has are the fields of a worker that wrote JSON.
var own = []string{"time", "worker", "stream", "level", "message", "service"}

// parse reads a line of a slot's file; false: it is none of ours, or was cut off.
func parse(raw []byte, slot string) (l Line, ok bool) {
	err := json.Unmarshal(raw, &l)
	l.slot, l.raw = slot, slices.Clone(raw)
	return l, err == nil && !l.Time.IsZero()
}

// Name is the life that printed it, or its slot where that is not known.
func (l Line) Name() string {
	if l.Worker == "" {
		return l.slot
	}
	return l.Worker
}

// JSON is the line as it is kept.
func (l Line) JSON() string { return string(l.raw) }

// Text is what the worker said, with the fields of one that wrote JSON behind it: slow query table=users.
func (l Line) Text() string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(l.raw, &fields) != nil {
		return l.Message
	}
	var b strings.Builder
	b.WriteString(l.Message)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(own, name) {
			b.WriteString(" " + name + "=" + value(fields[name]))
		}
	}
	return b.String()
}

// value is a field as people write it: without quotes where it needs none.
func value(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil || text == "" || strings.ContainsAny(text, " =\"\n\t") {
		return string(raw)
	}
	return text
}
