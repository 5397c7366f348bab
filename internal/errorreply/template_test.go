package errorreply

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/zfleet/zfleet/workerkit"
)

var all = []Error{AttemptsUsed(3), WorkerLost(1), Overdue(1500*time.Microsecond, 2), Overdue(time.Second, 0), QueueFull, ShuttingDown}

// Without a template it is JSON that workerkit's own function knows.
func TestStandard(t *testing.T) {
	plain, err := Parse("", "hello")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		frame := plain.Frame(e)
		var got map[string]struct {
			Code, Message string
			Attempts      *int
		}
		if err := json.Unmarshal(frame, &got); err != nil {
			t.Fatalf("%s: %v", frame, err)
		}
		in := got["zfleet"]
		if in.Code != e.Code || in.Message != e.Message || (in.Attempts == nil) != (e.Attempts == 0) || in.Attempts != nil && *in.Attempts != e.Attempts {
			t.Errorf("%+v became %s", e, frame)
		}
		if known := workerkit.ReplyError([][]byte{frame}); known == nil || string(known.Code) != e.Code {
			t.Errorf("workerkit does not know %s", frame)
		}
		if plain.Matches([][]byte{frame}) {
			t.Errorf("a template that is not there matches %s", frame)
		}
	}
	if got := string(plain.Frame(AttemptsUsed(3))); got !=
		`{"zfleet":{"code":"UNAVAILABLE","message":"3 workers ended, or took too long, while they handled this request","attempts":3}}` {
		t.Errorf("not as docs/delivery.md has it: %s", got)
	}
}

// templates and what AttemptsUsed(3) of the service hello becomes by them.
var templates = map[string]string{
	"ERR {code}": "ERR UNAVAILABLE",
	"{{code}}":   "{UNAVAILABLE}",
	"no":         "no",
	`{"error":{"code":"{code}","tries":{attempts},"of":"{service}"}}`: `{"error":{"code":"UNAVAILABLE","tries":3,"of":"hello"}}`,
	"{message}\n":         "3 workers ended, or took too long, while they handled this request\n",
	"{code}{code} 100% {": "UNAVAILABLEUNAVAILABLE 100% {",
	`{ "a": {} }`:         `{ "a": {} }`,
}

func TestTemplates(t *testing.T) {
	for text, want := range templates {
		template, err := Parse(text, "hello")
		if err != nil {
			t.Fatal(err)
		}
		if template.String() != text {
			t.Errorf("%q is now %q", text, template)
		}
		if got := string(template.Frame(AttemptsUsed(3))); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		for _, e := range all {
			if frame := template.Frame(e); !template.Matches([][]byte{frame}) {
				t.Errorf("%q does not match %q, which it made", text, frame)
			}
		}
		for _, other := range [][][]byte{{[]byte("Hello")}, {[]byte(want), {}}, {[]byte(want + "x")}, {}} {
			if template.Matches(other) {
				t.Errorf("%q matches %q", text, other)
			}
		}
	}
}

func TestUnknownPlaces(t *testing.T) {
	for text, place := range map[string]string{"{cod}": "{cod}", "{code}{Message}": "{Message}", `{"a":"{text}"}`: "{text}"} {
		var unknown *Unknown
		if _, err := Parse(text, ""); !errors.As(err, &unknown) || unknown.Place != place {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever a template is, it is refused, or fills in and knows its own again.
func FuzzTemplate(f *testing.F) {
	for text := range templates {
		f.Add(text, "hello")
	}
	f.Add("{cod}", "hello")
	f.Add("a{service}b\xff", "a\"b")
	f.Fuzz(func(t *testing.T, text, service string) {
		template, err := Parse(text, service)
		if err != nil {
			return
		}
		for _, e := range all {
			frame := template.Frame(e)
			if text == "" {
				if !json.Valid(frame) {
					t.Errorf("no JSON: %q", frame)
				}
				continue
			}
			if placePattern.FindString(text) == "" && !bytes.Equal(frame, []byte(text)) {
				t.Errorf("%q became %q", text, frame)
			}
			if !template.Matches([][]byte{frame}) {
				t.Errorf("%q does not match %q, which it made", text, frame)
			}
		}
	})
}
