package launch

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rs/zerolog"
)

// entry is a line that a logger wrote as JSON: hclog, zerolog, or slog.
type entry struct {
	level   zerolog.Level
	message string
	fields  map[string]json.RawMessage
}

// The names that loggers use. The first that holds a string counts.
var (
	levelKeys   = []string{"level", "@level"}
	messageKeys = []string{"message", "@message", "msg"}
	timeKeys    = []string{"time", "@timestamp", "ts"}
)

// taken are the names that are not passed on: what a logger says with them is said otherwise, or is the supervisor's to say.
var taken = slices.Concat(levelKeys, messageKeys, timeKeys, []string{"fleet", "service", "worker", "stream"})

// parseEntry reads a line of JSON with a message and with a level or a time. Everything else, also JSON with a message that is no string, is
// text.
func parseEntry(line []byte) (entry, bool) {
	var e entry
	if len(line) == 0 || line[0] != '{' || !utf8.Valid(line) || json.Unmarshal(line, &e.fields) != nil {
		return entry{}, false
	}
	level, hasLevel := first(e.fields, levelKeys)
	message, hasMessage := first(e.fields, messageKeys)
	_, hasTime := first(e.fields, timeKeys)
	if !hasMessage || !hasLevel && !hasTime {
		return entry{}, false
	}
	e.level, e.message = levelOf(level), plain([]byte(message))
	for _, name := range taken {
		delete(e.fields, name)
	}
	return e, true
}

// first is the first of the named fields that is a string.
func first(fields map[string]json.RawMessage, names []string) (text string, ok bool) {
	for _, name := range names {
		if raw, has := fields[name]; has && json.Unmarshal(raw, &text) == nil && string(raw) != "null" {
			return text, true
		}
	}
	return "", false
}

func levelOf(word string) zerolog.Level {
	switch strings.ToLower(word) {
	case "trace":
		return zerolog.TraceLevel
	case "debug":
		return zerolog.DebugLevel
	case "warn", "warning":
		return zerolog.WarnLevel
	case "error", "fatal", "panic":
		return zerolog.ErrorLevel
	default:
		return zerolog.InfoLevel
	}
}

// emit logs the line as the logger meant it.
func (e entry) emit(log zerolog.Logger) {
	event := log.WithLevel(e.level)
	for _, name := range slices.Sorted(maps.Keys(e.fields)) {
		event = event.RawJSON(plain([]byte(name)), e.fields[name])
	}
	event.Msg(e.message)
}
