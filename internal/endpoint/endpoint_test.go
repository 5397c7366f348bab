package endpoint

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	long := "/" + strings.Repeat("x", maxPath-1)
	for _, test := range []struct {
		text string
		want Endpoint
	}{
		{"tcp://*:5559", Endpoint{Transport: TCP, Host: "*", Port: 5559}},
		{"tcp://*:*", Endpoint{Transport: TCP, Host: "*"}},
		{"tcp://127.0.0.1:5559", Endpoint{Transport: TCP, Host: "127.0.0.1", Port: 5559}},
		{"tcp://[::]:5559", Endpoint{Transport: TCP, Host: "::", Port: 5559}},
		{"tcp://[::1]:*", Endpoint{Transport: TCP, Host: "::1"}},
		{"tcp://[fe80::1%eth0]:1", Endpoint{Transport: TCP, Host: "fe80::1%eth0", Port: 1}},
		{"tcp://eth0:5559", Endpoint{Transport: TCP, Host: "eth0", Port: 5559}},
		{"tcp://br-lan.100:5559", Endpoint{Transport: TCP, Host: "br-lan.100", Port: 5559}},
		{"tcp://localhost:65535", Endpoint{Transport: TCP, Host: "localhost", Port: 65535}},
		{"ipc:///run/x.sock", Endpoint{Transport: IPC, Path: "/run/x.sock"}},
		{"ipc://x.sock", Endpoint{Transport: IPC, Path: "x.sock"}},
		{"ipc://@name", Endpoint{Transport: IPC, Path: "@name"}},
		{"ipc://*", Endpoint{Transport: IPC, Path: "*"}},
		{"ipc://" + long, Endpoint{Transport: IPC, Path: long}},
	} {
		got, err := Parse(test.text)
		if err != nil || got != test.want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", test.text, got, err, test.want)
		}
		if got.String() != test.text {
			t.Errorf("Parse(%q).String() = %q", test.text, got)
		}
	}
}

func TestParseIsLenientWhereLibzmqIs(t *testing.T) {
	for text, want := range map[string]string{
		"tcp://*:0":                         "tcp://*:*",
		"tcp://*:05559":                     "tcp://*:5559",
		"tcp://[::0001]:1":                  "tcp://[::1]:1",
		"tcp://[0:0:0:0:0:0:0:0]:1":         "tcp://[::]:1",
		"tcp://worker_1.example.com.:65535": "tcp://worker_1.example.com.:65535",
	} {
		if got, err := Parse(text); err != nil || got.String() != want {
			t.Errorf("Parse(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
}

// Every message names the endpoint and what to write instead.
func TestParseSaysWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"":                    `endpoint is empty: write tcp://*:PORT or ipc://PATH`,
		"localhost:5559":      `endpoint "localhost:5559" has no transport: write tcp://localhost:5559`,
		":5559":               `endpoint ":5559" has no transport: write tcp://*:5559`,
		"5559":                `endpoint "5559" has no transport: write tcp://*:5559`,
		"/run/x.sock":         `endpoint "/run/x.sock" has no transport: write ipc:///run/x.sock`,
		"@x":                  `endpoint "@x" has no transport: write ipc://@x`,
		"tcp:/x:1":            `endpoint "tcp:/x:1" has no transport: write tcp://x:1`,
		"tcp:x:1":             `endpoint "tcp:x:1" has no transport: write tcp://x:1`,
		"ipc:/run/x":          `endpoint "ipc:/run/x" has no transport: write ipc:///run/x`,
		"TCP://*:1":           `endpoint "TCP://*:1": transports are written small: write tcp://*:1`,
		"inproc://x":          `endpoint "inproc://x": there is no transport inproc here: write tcp://*:PORT or ipc://PATH`,
		"tcp://*":             `endpoint "tcp://*" has no port: write tcp://*:PORT, or tcp://*:* for any free one`,
		"tcp://":              `endpoint "tcp://" has no port: write tcp://*:PORT, or tcp://*:* for any free one`,
		"tcp://[::1]":         `endpoint "tcp://[::1]" has no port: write tcp://[::1]:PORT, or tcp://[::1]:* for any free one`,
		"tcp://:5559":         `endpoint "tcp://:5559" has no host: write tcp://*:5559 for all addresses of this machine`,
		"tcp://*:http":        `endpoint "tcp://*:http": "http" is not a port: write a number from 1 to 65535, or * for any free one`,
		"tcp://*:65536":       `endpoint "tcp://*:65536": "65536" is not a port: write a number from 1 to 65535, or * for any free one`,
		"tcp://*:-1":          `endpoint "tcp://*:-1": "-1" is not a port: write a number from 1 to 65535, or * for any free one`,
		"tcp://::1:5559":      `endpoint "tcp://::1:5559": an IPv6 address stands in brackets: write tcp://[::1]:5559`,
		"tcp://[127.0.0.1]:5": `endpoint "tcp://[127.0.0.1]:5": [127.0.0.1] is not an IPv6 address: write tcp://[::1]:5`,
		"tcp://[::1:5":        `endpoint "tcp://[::1:5": [::1 is not an IPv6 address: write tcp://[::1]:5`,
		"tcp://1.1.1.1.1:5":   `endpoint "tcp://1.1.1.1.1:5": "1.1.1.1.1" is not an address, an interface or a host name: write tcp://*:5`,
		"tcp://a b:5":         `endpoint "tcp://a b:5": "a b" is not an address, an interface or a host name: write tcp://*:5`,
		"tcp://a;b:80":        `endpoint "tcp://a;b:80": a source address is for connecting only: write what follows the semicolon`,
		"ipc://":              `endpoint "ipc://" has no path: write ipc:///run/NAME.sock, or ipc://* for any free one`,
		"ipc://@":             `endpoint "ipc://@": an abstract socket needs a name: write ipc://@NAME`,
		"ipc:///run/":         `endpoint "ipc:///run/" names a folder: write ipc:///run/NAME.sock`,
		"ipc://a\x00b":        `endpoint "ipc://a\x00b": a path cannot hold a zero byte`,
		"ipc://" + strings.Repeat("x", 108): `endpoint "ipc://` + strings.Repeat("x", 108) +
			`": the path has 108 bytes, a unix socket's has at most 107: choose a shorter one`,
	} {
		if got, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("Parse(%q) = %v, %v\nwant %s", text, got, err, want)
		}
	}
}

func TestUnmarshalText(t *testing.T) {
	var e Endpoint
	if err := e.UnmarshalText([]byte("tcp://*:1")); err != nil || e.Port != 1 {
		t.Errorf("got %v, %v", e, err)
	}
	if err := e.UnmarshalText([]byte("*:1")); err == nil || e != (Endpoint{}) {
		t.Errorf("got %v, %v", e, err)
	}
	if text, err := (Endpoint{Transport: IPC, Path: "/x"}).MarshalText(); err != nil || string(text) != "ipc:///x" {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestIn(t *testing.T) {
	for text, want := range map[string]string{
		"ipc://x.sock":      "ipc:///srv/fleet/x.sock",
		"ipc://../x.sock":   "ipc:///srv/x.sock",
		"ipc:///run/x.sock": "ipc:///run/x.sock",
		"ipc://@x":          "ipc://@x",
		"ipc://*":           "ipc://*",
		"tcp://eth0:1":      "tcp://eth0:1",
	} {
		if got, err := parse(t, text).In("/srv/fleet"); err != nil || got.String() != want {
			t.Errorf("%s in /srv/fleet = %s, %v, want %s", text, got, err, want)
		}
	}
	if got, err := parse(t, "ipc://x.sock").In("/" + strings.Repeat("d", 100)); err == nil {
		t.Errorf("too long a path: got %s", got)
	}
}

func TestClashes(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"tcp://*:1", "tcp://*:1", true},
		{"tcp://*:1", "tcp://*:2", false},
		{"tcp://*:*", "tcp://*:*", false},
		{"tcp://*:1", "tcp://127.0.0.1:1", true},
		{"tcp://0.0.0.0:1", "tcp://*:1", true},
		{"tcp://*:1", "tcp://eth0:1", true},
		{"tcp://*:1", "tcp://[::]:1", true},
		{"tcp://*:1", "tcp://[::1]:1", false},
		{"tcp://[::]:1", "tcp://127.0.0.1:1", true},
		{"tcp://[::]:1", "tcp://[::1]:1", true},
		{"tcp://localhost:1", "tcp://127.0.0.1:1", true},
		{"tcp://lo:1", "tcp://localhost:1", true},
		{"tcp://127.0.0.1:1", "tcp://127.0.0.2:1", false},
		{"tcp://eth0:1", "tcp://eth1:1", false},
		{"ipc://@x", "ipc://@x", true},
		{"ipc:///x", "ipc:///y", false},
		{"ipc://*", "ipc://*", false},
		{"ipc://x", "tcp://*:1", false},
	} {
		a, b := parse(t, test.a), parse(t, test.b)
		if a.Clashes(b) != test.want || b.Clashes(a) != test.want {
			t.Errorf("%s clashes with %s: %t and %t, want %t", a, b, a.Clashes(b), b.Clashes(a), test.want)
		}
	}
}

func parse(t *testing.T, text string) Endpoint {
	t.Helper()
	e, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What Parse accepts, String spells so that Parse reads the same again. What it refuses, it refuses with a message that names it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"tcp://*:5559", "tcp://[::1%lo]:*", "ipc://@x", "ipc:///run/x", "localhost:1", "tcp://a;b:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		switch {
		case err != nil && (e != Endpoint{} || !strings.HasPrefix(err.Error(), "endpoint ")):
			t.Fatalf("Parse(%q) = %+v, %v", text, e, err)
		case err != nil:
			return
		}
		if again, err := Parse(e.String()); err != nil || again != e {
			t.Fatalf("Parse(%q) = %+v, spelt %q, which is %+v, %v", text, e, e, again, err)
		}
	})
}
