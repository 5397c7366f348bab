package workerkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/workerkit"
)

// brokenError panics when it is asked what it is.
type brokenError struct{ text *string }

func (e brokenError) Error() string { return *e.text }

// script is a handler whose request says what to do.
func script(_ context.Context, req [][]byte) ([][]byte, error) {
	switch string(req[0]) {
	case "nothing":
		return nil, nil
	case "code":
		return nil, workerkit.Errorf(workerkit.NotFound, "no user %q", "<ada>")
	case "wrapped":
		return nil, fmt.Errorf("cannot look up: %w", workerkit.Errorf(workerkit.Unavailable, "no database"))
	case "plain":
		return nil, errors.New("no luck")
	case "binary":
		return nil, errors.New("bad byte \xff")
	case "panic":
		panic("boom")
	case "broken":
		return nil, brokenError{}
	}
	return req, nil
}

func TestReplies(t *testing.T) {
	frames := func(f ...string) (out [][]byte) {
		for _, s := range f {
			out = append(out, []byte(s))
		}
		return out
	}
	failure := func(code, message string) [][]byte {
		return frames(fmt.Sprintf(`{"zfleet":{"code":%q,"message":%s}}`, code, message))
	}
	big := strings.Repeat("x", 8<<20)
	for _, test := range []struct {
		name          string
		request, want [][]byte
	}{
		{"one frame", frames("a"), frames("a")},
		{"one empty frame", frames(""), frames("")},
		{"empty frames", frames("", "", "a", ""), frames("", "", "a", "")},
		{"long frames", frames(strings.Repeat("a", 255), strings.Repeat("b", 256)), frames(strings.Repeat("a", 255), strings.Repeat("b", 256))},
		{"8 MiB", frames("head", big), frames("head", big)},
		{"many frames", frames(strings.Fields(strings.Repeat("x ", 1000))...), frames(strings.Fields(strings.Repeat("x ", 1000))...)},
		{"no frames", frames("nothing"), frames("")},
		{"error with a code", frames("code"), failure("NOT_FOUND", `"no user \"<ada>\""`)},
		{"wrapped error", frames("wrapped"), failure("UNAVAILABLE", `"cannot look up: UNAVAILABLE: no database"`)},
		{"plain error", frames("plain"), failure("UNKNOWN", `"no luck"`)},
		{"error that is not UTF-8", frames("binary"), failure("UNKNOWN", `"bad byte \ufffd"`)},
		{"panic", frames("panic"), failure("INTERNAL", `"the handler panicked: boom"`)},
		{"panic in an error", frames("broken"),
			failure("INTERNAL", `"the handler panicked: runtime error: invalid memory address or nil pointer dereference"`)},
		{"after a panic", frames("a"), frames("a")},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHub(t, ipc(t))
			w := run(t, h.endpoint, script)
			h.expect(h.send(test.request...), test.want...)
			h.expect(h.send([]byte("again")), []byte("again")) // the worker lives on
			w.drain()
			must(t, w.wait())
		})
	}
}

func TestReplyError(t *testing.T) {
	for frame, want := range map[string]string{
		`{"zfleet":{"code":"NOT_FOUND","message":"no user"}}`:                   "NOT_FOUND: no user",
		`{"zfleet":{"code":"DEADLINE_EXCEEDED","message":"late","attempts":2}}`: "DEADLINE_EXCEEDED: late",
		`{"zfleet":{"message":"no code"}}`:                                      "",
		`{"zfleet":null}`:                                                       "",
		`{"zfleet":{`:                                                           "",
		`{"code":"NOT_FOUND"}`:                                                  "",
		"World":                                                                 "",
		"":                                                                      "",
	} {
		got := ""
		if e := workerkit.ReplyError([][]byte{[]byte(frame)}); e != nil {
			got = e.Error()
		}
		if got != want {
			t.Errorf("ReplyError(%s) is %q; want %q", frame, got, want)
		}
	}
	if e := workerkit.ReplyError([][]byte{[]byte(`{"zfleet":{"code":"INTERNAL"}}`), {}}); e != nil {
		t.Errorf("two frames are no error reply, but got %v", e)
	}
}

func TestErrorfKeepsItsCause(t *testing.T) {
	cause := errors.New("disk full")
	err := workerkit.Errorf(workerkit.ResourceExhausted, "cannot save: %w", cause)
	if !errors.Is(err, cause) || err.Error() != "RESOURCE_EXHAUSTED: cannot save: disk full" {
		t.Fatalf("got %v", err)
	}
}

func TestRequestsAreTheHandlersToKeep(t *testing.T) {
	h := newHub(t, ipc(t))
	var kept [][]byte
	run(t, h.endpoint, func(_ context.Context, req [][]byte) ([][]byte, error) {
		kept = append(kept, req[0])
		return kept, nil
	})
	h.expect(h.send([]byte("one")), []byte("one"))
	h.expect(h.send([]byte("two")), []byte("one"), []byte("two"))
	if !bytes.Equal(kept[0], []byte("one")) {
		t.Fatalf("the first request became %q", kept[0])
	}
}
