package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

func TestCallUsedWrongly(t *testing.T) {
	sandbox(t)
	const help = "hint: zfleet call --help\n"
	wants(t, exitUsage, "", "zfleet: a call needs an endpoint or a service, and a payload\n"+help, "call")
	wants(t, exitUsage, "", "zfleet: a call needs a payload; - reads it from stdin\n"+help, "call", "hello")
	wants(t, exitUsage, "", "zfleet: --count must be more than 0\n"+help, "call", "hello", "x", "--count", "0")
	wants(t, exitUsage, "", "zfleet: --timeout must not be negative\n"+help, "call", "hello", "x", "--timeout", "-1s")
	wants(t, exitUsage, "", "zfleet: invalid argument \"table\" for \"-o, --output\" flag: want text, raw, hex or json\n"+help,
		"call", "hello", "x", "-o", "table")
	const where = "hint: zfleet ps shows where the services of a fleet are\n"
	wants(t, exitUsage, "", "zfleet: endpoint \"tcp://127.0.0.1:*\" has no port to connect to\n"+where, "call", "tcp://127.0.0.1:*", "x")
	wants(t, exitUsage, "", "zfleet: endpoint \"udp://*:1\": there is no transport udp here: write tcp://*:PORT or ipc://PATH\n"+where,
		"call", "udp://*:1", "x")
	wants(t, exitNoFleet, "", "zfleet: no fleet.toml here, and no fleet is running\nhint: zfleet up FILE\n", "call", "hello", "x")
}

func TestCallPayloads(t *testing.T) {
	sandbox(t)
	writeFile(t, "file", "of a \x00 file")
	ui := &tui{in: strings.NewReader("of stdin")}
	got, err := ui.payloads([]string{"text", "", "-", "@file", "@@file"})
	must(t, err)
	var all []string
	for _, p := range got {
		all = append(all, string(p))
	}
	if want := "text||of stdin|of a \x00 file|@file"; strings.Join(all, "|") != want {
		t.Errorf("got %q, want %q", all, want)
	}
	for arg, want := range map[string]string{"@none": "cannot read the payload @none: open none: no such file or directory", "-": "cannot read stdin twice"} {
		if _, err := ui.payloads([]string{"-", arg}); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", arg, err, want)
		}
	}
}

// The services of a fleet by name; one whose proxy is not up is not connected to.
func TestCallServices(t *testing.T) {
	sandbox(t)
	serve(t, hello())
	wants(t, exitFailed, "", "zfleet: no fleet.toml here: this is about the one fleet that runs, hello\n"+
		"zfleet: cannot connect to hello: its proxy is ready\nhint: zfleet ps\n", "call", "hello", "x")
	_, stderr, code := run("call", "helo", "x")
	if code != exitFailed || !strings.Contains(stderr, `no service "helo"`) {
		t.Errorf("code %d: %s", code, stderr)
	}
}

func TestBenchUsedWrongly(t *testing.T) {
	sandbox(t)
	for args, want := range map[string]string{
		"":                           "a bench needs one endpoint or service, and there are 0 arguments",
		"hello --clients 0":          "--clients must be from 1 to 100000",
		"hello --clients 1000000":    "--clients must be from 1 to 100000",
		"hello --outstanding 0":      "--outstanding must be more than 0",
		"hello --rate NaN":           "--rate must be from 0 to 10000000",
		"hello --size -1":            "--size must be from 0 to 1073741824",
		"hello --duration 0s":        "--duration must be more than 0",
		"hello --warmup -1s":         "--warmup and --timeout must not be negative",
		"hello --rate 5 -n 3":        "if any flags in the group [outstanding rate] are set none of the others can be; [outstanding rate] were all set",
		"hello --size 5 --payload x": "if any flags in the group [size payload] are set none of the others can be; [payload size] were all set",
	} {
		_, stderr, code := run(append([]string{"bench"}, strings.Fields(args)...)...)
		if !strings.HasPrefix(stderr, "zfleet: "+want+"\n") || code == exitOK {
			t.Errorf("zfleet bench %s: code %d\n%s", args, code, stderr)
		}
	}
}

func TestPrecise(t *testing.T) {
	for d, want := range map[string]string{"0s": "", "999ns": "999ns", "87123ns": "87.1µs", "1250499ns": "1.25ms", "3214999999ns": "3.21s", "1h": "1h0m0s"} {
		if got := precise(duration(t, d)); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	must(t, err)
	return d
}

// What is sent is what a worker gets, frame by frame, and back.
func TestCallFrames(t *testing.T) {
	sandbox(t)
	endpoint := echo(t, os.Getenv("XDG_RUNTIME_DIR"))
	wants(t, exitOK, "a\n\\xff\n", "", "call", endpoint, "a", "@"+binary(t), "--frames")
	wants(t, exitOK, "a\n\\xff\na\n\\xff\n", "", "call", endpoint, "a", "@"+binary(t), "--count", "2")
	wants(t, exitOK, "a\xff", "", "call", endpoint, "a", "@"+binary(t), "-o", "raw")
	stdout, _, _ := run("call", endpoint, "a", "@"+binary(t), "--frames", "-o", "json")
	if !strings.HasPrefix(stdout, `{"frames":[{"text":"a"},{"base64":"/w=="}],"micros":`) {
		t.Errorf("got %s", stdout)
	}
}

// binary is a file with a byte that is no text.
func binary(t *testing.T) string {
	writeFile(t, "binary", "\xff")
	return "binary"
}

// echo is a REP that gives back what it gets.
func echo(t *testing.T, folder string) (endpoint string) {
	t.Helper()
	endpoint = "ipc://" + filepath.Join(folder, "echo.sock")
	socket, err := zmq4.NewSocket(zmq4.REP)
	must(t, err)
	must(t, errors.Join(socket.SetLinger(0), socket.SetRcvtimeo(20*time.Millisecond), socket.Bind(endpoint)))
	ended := make(chan error, 1)
	go func() {
		for t.Context().Err() == nil {
			if message, err := socket.RecvMessageBytes(0); err == nil {
				_, _ = socket.SendMessage(message) // what is missing, the test tells
			}
		}
		ended <- socket.Close()
	}()
	t.Cleanup(func() { must(t, <-ended) })
	return endpoint
}
