package fleet

import (
	"strings"
	"testing"
)

func TestParseLife(t *testing.T) {
	for name, want := range map[string]Life{
		"hello/3#7":       {Service: "hello", Slot: 3, N: 7},
		"hello/0#0":       {Service: "hello", Slot: 0, N: 0},
		"hello/proxy#2":   {Service: "hello", Slot: ProxySlot, N: 2},
		"a/b/12#345":      {Service: "a/b", Slot: 12, N: 345},
		"proxy/proxy#1":   {Service: "proxy", Slot: ProxySlot, N: 1},
		"strange #1/4#10": {Service: "strange #1", Slot: 4, N: 10},
	} {
		if got, err := ParseLife(name); err != nil || got != want {
			t.Errorf("ParseLife(%q) = %#v, %v; want %#v", name, got, err, want)
		}
	}
}

func TestParseLifeTakesNoOtherSpelling(t *testing.T) {
	for _, name := range []string{
		"", "hello", "hello/3", "hello#7", "/3#7", "hello/#7", "hello/3#", "hello/x#7", "hello/3#x", "hello/-1#7", "hello/-2#7", "hello/3#-7",
		"hello/03#7", "hello/3#07", "hello/+3#7", "hello/3#7 ", "hello/3 #7", "hello/Proxy#7", "hello/3#99999999999999999999", "hello/3/7",
	} {
		l, err := ParseLife(name)
		if err == nil {
			t.Errorf("ParseLife(%q) = %v, want an error", name, l)
		} else if !strings.Contains(err.Error(), "hello/3#7") || l != (Life{}) {
			t.Errorf("ParseLife(%q) = %#v, %q", name, l, err)
		}
	}
}

func FuzzParseLife(f *testing.F) {
	f.Add("hello/3#7")
	f.Fuzz(func(t *testing.T, name string) {
		l, err := ParseLife(name)
		if err == nil && l.String() != name {
			t.Errorf("ParseLife(%q) is %v", name, l)
		}
	})
}

func TestExitCause(t *testing.T) {
	for _, test := range []struct {
		exit Exit
		want string
	}{
		{Exit{Code: 1}, "exited with status 1"},
		{Exit{Code: 0}, "exited with status 0"},
		{Exit{Code: -1, Signal: "SIGKILL"}, "killed by SIGKILL"},
		{Exit{Code: 137, Signal: "SIGKILL"}, "killed by SIGKILL"},
		{Exit{Code: 1, Signal: "SIGKILL", Reason: "handshake failed: no line"}, "handshake failed: no line"},
		{Exit{Code: -1}, "ended without a status"},
		{Exit{Code: 1, LastLines: []string{"first", "no module zmq"}}, "exited with status 1: no module zmq"},
		{Exit{Code: 1, LastLines: []string{strings.Repeat("x", 159) + "äöü"}}, "exited with status 1: " + strings.Repeat("x", 159) + "…"},
		{Exit{Code: 0, LastLines: []string{"goodbye"}}, "exited with status 0"},
		{Exit{Code: 137, Signal: "SIGKILL", LastLines: []string{"connecting"}}, "killed by SIGKILL"},
	} {
		if got := test.exit.cause(); got != test.want {
			t.Errorf("%+v ended because it %q, want %q", test.exit, got, test.want)
		}
	}
}
