package cli

import (
	"bytes"
	"testing"
)

func TestPrintReply(t *testing.T) {
	frames := [][]byte{[]byte("Grüße\x1b[31m"), {}, {0, 'a', 0xff}}
	for form, want := range map[string]string{
		asText: "Grüße\\x1b[31m\n\n\\x00a\\xff\n",
		asRaw:  "Grüße\x1b[31m\x00a\xff",
		asHex:  "4772c3bcc39f651b5b33316d\n\n0061ff\n",
	} {
		var out bytes.Buffer
		if err := printReply(&out, frames, form); err != nil || out.String() != want {
			t.Errorf("%s: got %q, want %q, %v", form, out.String(), want, err)
		}
	}
}

func TestErrorReplies(t *testing.T) {
	for body, code := range map[string]string{
		`{"zfleet":{"code":"UNAVAILABLE","message":"gone","attempts":3}}`: "UNAVAILABLE",
		`{"zfleet":{"message":"gone"}}`:                                   "",
		`{"zfleet":"UNAVAILABLE"}`:                                        "",
		`{"code":"UNAVAILABLE"}`:                                          "",
		`World`:                                                           "",
		``:                                                                "",
	} {
		got := ""
		if e := asErrorReply([][]byte{[]byte(body)}); e != nil {
			got = e.Code
		}
		if got != code {
			t.Errorf("%s: got %q, want %q", body, got, code)
		}
	}
	if asErrorReply([][]byte{[]byte(`{"zfleet":{"code":"UNAVAILABLE"}}`), nil}) != nil {
		t.Error("zfleet's own answers have one frame")
	}
}
