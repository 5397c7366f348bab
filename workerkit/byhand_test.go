package workerkit_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/workerkit/control"
)

// byHand runs a worker as a person would and returns what it prints and its exit status.
func byHand(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "TEST_WORKER=two lanes", "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, env...)
	var out, errs output
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	said, _ := strings.CutPrefix(out.String(), "printed before Main\n")
	return said, errs.String(), cmd.ProcessState.ExitCode()
}

func TestByHand(t *testing.T) {
	golden, err := os.ReadFile("testdata/help.txt")
	must(t, err)
	executable, err := os.Executable()
	must(t, err)
	help := strings.ReplaceAll(string(golden), "$EXECUTABLE", executable)
	for _, test := range []struct {
		args           string
		env            []string
		stdout, stderr string
		code           int
	}{
		{args: "--help", stdout: help},
		{args: "-h", stdout: help},
		{args: "", stderr: help, code: 2},
		{args: "", env: []string{control.EnvBackend + "= "}, stderr: help, code: 2},
		{args: "", env: []string{control.Handshake.MagicCookieKey + "=another"}, stderr: help, code: 2},
		{args: "--version", stdout: "tester 1.2.3\n"},
		{args: "--conect x", stderr: "tester: flag provided but not defined: -conect\nhint: tester --help\n", code: 2},
		{args: "--connect", stderr: "tester: flag needs an argument: -connect\nhint: tester --help\n", code: 2},
		{args: "tcp://127.0.0.1:5560", code: 2,
			stderr: "tester: cannot use the argument \"tcp://127.0.0.1:5560\": there are only flags\nhint: tester --help\n"},
		{args: "--connect x --concurrency 0", code: 2,
			stderr: "tester: cannot handle 0 requests at a time: --concurrency must be 1 or more\nhint: tester --help\n"},
	} {
		t.Run(test.args, func(t *testing.T) {
			stdout, stderr, code := byHand(t, test.env, strings.Fields(test.args)...)
			if stdout != test.stdout || stderr != test.stderr || code != test.code {
				t.Fatalf("status %d\n-- standard output\n%s\n-- standard error\n%s", code, stdout, stderr)
			}
		})
	}
}

func TestAnEndpointThatCannotBeIsSaid(t *testing.T) {
	_, stderr, code := byHand(t, nil, "--connect", "tcp//x")
	want := `"message":"cannot open lane 1 of 2: cannot connect to \"tcp//x\": invalid argument"`
	if code != 1 || !strings.Contains(stderr, want) {
		t.Fatalf("status %d, %s; want status 1, %s", code, stderr, want)
	}
}

func TestALogLevelThatIsNone(t *testing.T) {
	_, stderr, _ := byHand(t, []string{control.EnvLogLevel + "=loud"}, "--connect", "tcp//x")
	if want := `cannot log from level \"loud\" on: ZFLEET_LOG_LEVEL is debug, info, warn or error`; !strings.Contains(stderr, want) {
		t.Fatalf("got %s; want %s", stderr, want)
	}
}

func TestTheFlagsCount(t *testing.T) {
	one, two := newHub(t, ipc(t)), newHub(t, ipc(t))
	args := []string{"--connect", one.endpoint, "--connect", two.endpoint, "--concurrency", "3"}
	command(t, "plain", args, control.EnvBackend+"=ipc:///nowhere/x").start()
	one.awaitLanes(3)
	two.awaitLanes(3)
	one.expect(one.send([]byte("a")), []byte("a"))
	two.expect(two.send([]byte("b")), []byte("b"))
}

func TestAPlainCommandConnectsWhereItIsTold(t *testing.T) {
	one, two := newHub(t, ipc(t)), newHub(t, "tcp://127.0.0.1:*")
	command(t, "two lanes", nil, control.EnvBackend+"="+one.endpoint+" "+two.endpoint).start()
	one.awaitLanes(2)
	two.awaitLanes(2)
	two.expect(two.send([]byte("x")), []byte("x"))
}
