package errorreply_test

import (
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/errorreply"
)

func TestBlamesWorker(t *testing.T) {
	for frame, want := range map[string]bool{
		`{"zfleet":{"code":"UNKNOWN","message":"disk full"}}`:                   true,
		`{"zfleet":{"code":"INTERNAL","message":""}}`:                           true,
		`{"zfleet":{"code":"UNAVAILABLE"}}`:                                     true,
		`{"zfleet": {"message": "as Python writes it", "code": "UNAVAILABLE"}}`: true,
		`{"zfleet":{"code":"NOT_FOUND","message":"no such user"}}`:              false,
		`{"zfleet":{"code":"INVALID_ARGUMENT","message":"INTERNAL"}}`:           false,
		`{"zfleet":{"code":"UNKNOWN"}`:                                          false,
		`{"zfleet":"UNKNOWN"}`:                                                  false,
		`{"zfleet":{"code":7}}`:                                                 false,
		`{"code":"UNKNOWN"}`:                                                    false,
		``:                                                                      false,
		`{"zfleet":{"code":"UNKNOWN","message":"` + strings.Repeat("x", 70_000) + `"}}`: false,
	} {
		if got := errorreply.BlamesWorker([]byte(frame)); got != want {
			t.Errorf("%.80s: %t", frame, got)
		}
	}
	own := errorreply.Template{}.Frame(errorreply.QueueFull)
	if !errorreply.BlamesWorker(own) {
		t.Errorf("%s is not recognised", own)
	}
}
