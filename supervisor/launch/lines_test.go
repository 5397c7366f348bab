package launch

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"pgregory.net/rapid"
)

// However the bytes of a stream are dealt out, the lines are those that the whole stream has.
func TestLinesDoNotDependOnPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// A piece is a newline, or so many bytes: few, or about as many as fit.
		piece := rapid.OneOf(rapid.Just(0), rapid.IntRange(1, 3), rapid.IntRange(maxLine-2, maxLine+2))
		var pieces [][]byte
		for _, n := range rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces") {
			if n == 0 {
				pieces = append(pieces, []byte("\n"))
			}
			pieces = append(pieces, bytes.Repeat([]byte("x"), n))
		}
		for n := rapid.IntRange(0, 3).Draw(t, "joined"); n > 0 && len(pieces) > 1; n-- {
			pieces = append(pieces[:len(pieces)-2], slices.Concat(pieces[len(pieces)-2:]...))
		}
		var got []string
		l := newLines(func(line []byte, cut bool) { got = append(got, mark(line, cut)) })
		for _, p := range pieces {
			if n, err := l.Write(p); n != len(p) || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
		}
		l.flush()
		want := wholeLines(bytes.Join(pieces, nil))
		if strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != len(want) {
			t.Fatalf("got  %.200q\nwant %.200q", got, want)
		}
		if cap(l.partial) > 2*maxLine {
			t.Fatalf("holds %d bytes", cap(l.partial))
		}
	})
}

// wholeLines is what lines should give of a stream, seen at once.
func wholeLines(all []byte) (lines []string) {
	for line := range bytes.Lines(all) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		lines = append(lines, mark(line[:min(len(line), maxLine)], len(line) > maxLine))
	}
	return lines
}

func mark(line []byte, cut bool) string {
	if cut {
		return string(line) + cutMark
	}
	return string(line)
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Grüße \t an 東京 …\r": "Grüße \t an 東京 …",
		"\x1b[31mred\x1b[0m": `\x1b[31mred\x1b[0m`,
		"\xff\xfe\x00":       `\xff\xfe\x00`,
		"a\u202eb\u009bc":    `a\u202eb\u009bc`,
		"  indented":         "  indented",
		"\r\n":               "",
	} {
		if got := plain([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	if got := shorten("short", 5); got != "short" {
		t.Errorf("got %q", got)
	}
	got := shorten(strings.Repeat("ü", 100), 50)
	if len(got) > 50 || !utf8.ValidString(got) || !strings.HasSuffix(got, cutMark) {
		t.Errorf("got %q", got)
	}
}

// What loggers wrote as JSON is logged as they meant it; what only looks like it is text.
func TestLogLines(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"@level":"warn","@message":"slow","@module":"db","@timestamp":"2026-01-02T03:04:05.000000Z"}`:   `{"level":"warn","@module":"db","message":"slow"}`,
		`{"level":"error","worker":"forged","service":"s","stream":"s","n":1.50,"time":5,"message":"no"}`: `{"level":"error","n":1.50,"message":"no"}`,
		`{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"ready","list":[1, {"a":null}]}`:             `{"level":"info","list":[1, {"a":null}],"message":"ready"}`,
		`{"level":"fatal","message":"end"}`:                                 `{"level":"error","message":"end"}`,
		`{"level":"disabled","message":"still here"}`:                       `{"level":"info","message":"still here"}`,
		`{"level":"debug","message":"\u001b[2J"}`:                           `{"level":"debug","message":"\\x1b[2J"}`,
		`{"time":"2026-01-02T03:04:05Z","message":"without a level","n":1}`: `{"level":"info","n":1,"message":"without a level"}`,
		`{"message":"data"}`:                                                `{"level":"info","message":"{\"message\":\"data\"}"}`,
		`{"@message":5}`:                                                    `{"level":"info","message":"{\"@message\":5}"}`,
		`{"@level":null,"@message":"x"}`:                                    `{"level":"info","message":"{\"@level\":null,\"@message\":\"x\"}"}`,
		`{"level":"info","message":"x"} and more`:                           `{"level":"info","message":"{\"level\":\"info\",\"message\":\"x\"} and more"}`,
		`{"level":"info","message":"` + "\xff" + `"}`:                       `{"level":"info","message":"{\"level\":\"info\",\"message\":\"\\xff\"}"}`,
		`panic: runtime error`:                                              `{"level":"info","message":"panic: runtime error"}`,
		`[]`:                                                                `{"level":"info","message":"[]"}`,
		``:                                                                  ``,
	} {
		var log bytes.Buffer
		newOutput(zerolog.New(&log), zerolog.Nop()).line([]byte(in), false)
		if got := strings.TrimSuffix(log.String(), "\n"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", in, got, want)
		}
	}
}

// Its own log has a text as it was printed, without a level, and an empty line too; what a logger wrote as JSON keeps its level and fields.
func TestOwnLog(t *testing.T) {
	t.Parallel()
	var own bytes.Buffer
	out := newOutput(zerolog.Nop(), ownLog(&own, "hello/0#1"))
	stream := out.stream("stderr")
	_, _ = stream.Write([]byte("goroutine 1\n\n{\"level\":\"warn\",\"msg\":\"slow\",\"worker\":\"forged\",\"n\":1}\nno end"))
	stream.flush()
	stamped := regexp.MustCompile(`,"time":"[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z"`)
	want := `{"worker":"hello/0#1","stream":"stderr","message":"goroutine 1"}
{"worker":"hello/0#1","stream":"stderr"}
{"level":"warn","worker":"hello/0#1","stream":"stderr","n":1,"message":"slow"}
{"worker":"hello/0#1","stream":"stderr","message":"no end"}
`
	if got := stamped.ReplaceAllString(own.String(), ""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := strings.Join(out.lastLines(), "|"); got != "goroutine 1|slow|no end" {
		t.Errorf("kept %s", got)
	}
}

// Whatever a worker prints, each line of it is one line of JSON in the log that a terminal can take.
func FuzzOutput(f *testing.F) {
	f.Fuzz(func(t *testing.T, printed []byte) {
		var log, own bytes.Buffer
		out := newOutput(zerolog.New(&log), ownLog(&own, "hello/0#1"))
		stream := out.stream("stderr")
		_, _ = stream.Write(printed)
		stream.flush()
		if lines := bytes.Count(printed, []byte("\n")) + 1; bytes.Count(log.Bytes(), []byte("\n")) > lines {
			t.Errorf("%d lines became %q", lines, log.String())
		}
		for line := range bytes.Lines(log.Bytes()) {
			var e struct{ Stream, Message string }
			if err := json.Unmarshal(line, &e); err != nil || e.Stream != "stderr" || plain([]byte(e.Message)) != strings.TrimRight(e.Message, "\t\r\n ") {
				t.Errorf("logged %q: %v", line, err)
			}
		}
		for line := range bytes.Lines(own.Bytes()) {
			var e struct {
				Worker, Stream string
				Time           time.Time
			}
			if err := json.Unmarshal(line, &e); err != nil || e.Worker != "hello/0#1" || e.Stream != "stderr" || e.Time.IsZero() {
				t.Errorf("its own log has %q: %v", line, err)
			}
		}
		for _, line := range out.lastLines() {
			if len(line) > maxKept || plain([]byte(line)) != strings.TrimRight(line, "\t\r\n ") {
				t.Errorf("kept %q", line)
			}
		}
	})
}
