package handover

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/dispatch"
)

// Each field of a request comes back, whatever its value.
func TestRequestComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Request{RequestState: dispatch.RequestState{
			Index: rapid.Uint32().Draw(t, "index"), Delivery: rapid.Uint32().Draw(t, "delivery"), Client: rapid.Uint64().Draw(t, "client"),
			Lane: rapid.Uint64().Draw(t, "lane"), Size: rapid.IntMin(0).Draw(t, "size"),
			Arrived: time.Duration(rapid.Int64Min(0).Draw(t, "arrived")), Age: rapid.IntMin(0).Draw(t, "age"),
			Strikes: rapid.Int32Min(0).Draw(t, "strikes"), Ended: rapid.Bool().Draw(t, "ended"),
			Cause: dispatch.Cause(rapid.Uint8().Draw(t, "cause")), Late: rapid.Bool().Draw(t, "late"),
		}}
		for range rapid.IntRange(0, 2).Draw(t, "attempts") {
			r.Attempts = append(r.Attempts, dead.Attempt{Worker: rapid.String().Draw(t, "worker"), Exit: &dead.Exit{Code: 3}})
		}
		var b bytes.Buffer
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		if err := NewWriter(&b).Request(r, body); err != nil {
			t.Fatal(err)
		}
		in := NewReader(&b)
		kind, head, n, err := in.Next()
		if err != nil || kind != KindRequest || n != len(body) {
			t.Fatalf("%q with %d bytes, %v", kind, n, err)
		}
		got, err := ParseRequest(head)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Fatalf("got %+v, %v, want %+v", got, err, r)
		}
		back := make([]byte, n)
		if err := in.Body(back); err != nil || !bytes.Equal(back, body) {
			t.Fatalf("the body is %q, %v", back, err)
		}
	})
	if n := reflect.TypeFor[dispatch.RequestState]().NumField(); n != 11 {
		t.Errorf("dispatch.RequestState has %d fields: write and read the new one in request.go, draw it above", n)
	}
}

// What was not read of a body, what is cut short, too large or of another kind is an error.
func TestReaderRefuses(t *testing.T) {
	said := func(say func(*Writer) error) []byte {
		var b bytes.Buffer
		if err := say(NewWriter(&b)); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	ready := said(func(w *Writer) error { return w.Say(KindReady, nil) })
	intro := said(func(w *Writer) error { return w.Say(KindIntro, Intro{Pid: 7}) })
	for _, c := range []struct {
		in   []byte
		want string
	}{
		{intro, ""},
		{nil, "EOF"},
		{intro[:len(intro)-1], "unexpected EOF"},
		{ready, `a 'Y' of 0 bytes came where 'I' was due`},
		{said(func(w *Writer) error { return w.Say(KindIntro, Intro{}, []byte("x")) }), "came where"},
		{said(func(w *Writer) error { return w.No(errors.New("no room")) }), "no room"},
		{said(func(w *Writer) error { return w.Say(KindIntro, map[string]int{"Later": 1}) }), `unknown field "Later"`},
		{[]byte("I\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"), "bytes"},
		{[]byte("I\x00\x00\x00\x00\xff\x00\x00\x00\x00\x00\x00\x00"), "bytes"},
		{[]byte("I\x3f\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00x"), "unexpected EOF"},
	} {
		var got Intro
		err := NewReader(bytes.NewReader(c.in)).Expect(KindIntro, &got)
		if c.want == "" && (err != nil || got.Pid != 7) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: got %v, want %s", c.in, err, c.want)
		}
	}
	in := NewReader(bytes.NewReader(append(said(func(w *Writer) error { return w.Say(KindConn, nil, []byte("ab")) }), ready...)))
	if _, _, _, err := in.Next(); err != nil {
		t.Fatal(err)
	}
	if err := in.Body(make([]byte, 3)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read more than the body: %v", err)
	}
	if _, _, _, err := in.Next(); err == nil {
		t.Error("went on with an unread body")
	}
}

// Who reads another format, or knows of less than there is to tell, is refused in words.
func TestAgree(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{Ask{Format: Format, Parts: append([]string{"more"}, Parts...)}.Check(), "<nil>"},
		{Ask{Format: 9, Parts: Parts}.Check(), "writes format 1, and the new one reads 9"},
		{Ask{Format: Format, Parts: Parts[1:]}.Check(), "does not know of connections"},
		{Intro{Format: Format, Parts: Parts[:2]}.Check(), "<nil>"},
		{Intro{Format: 9}.Check(), "writes format 9, and this one reads 1"},
		{Intro{Format: Format, Parts: []string{"probes"}}.Check(), "does not know of probes"},
		{Intro{Format: Format, Conns: -1}.Check(), "-1 connections"},
	} {
		got := "<nil>"
		if c.err != nil {
			got = c.err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// FuzzParseRequest: what is taken says the same when it is written again.
func FuzzParseRequest(f *testing.F) {
	for _, r := range []Request{
		{},
		{RequestState: dispatch.RequestState{Index: 300, Delivery: 1 << 31, Client: 7, Lane: 9, Size: 5, Arrived: time.Hour, Age: 3, Strikes: 1}},
		{RequestState: dispatch.RequestState{Ended: true, Cause: 2}, Attempts: []dead.Attempt{{Worker: "hello/3#7", Reason: "left"}}},
	} {
		b, err := appendRequest(nil, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err != nil {
			return
		}
		text, err := appendRequest(nil, r)
		if err != nil {
			return // a date that JSON cannot say
		}
		again, err := ParseRequest(text)
		if err != nil || !reflect.DeepEqual(again.RequestState, r.RequestState) {
			t.Fatalf("%+v, then %+v, %v", r, again, err)
		}
		if same, err := appendRequest(nil, again); err != nil || !bytes.Equal(same, text) {
			t.Errorf("%q, then %q, %v", text, same, err)
		}
	})
}
