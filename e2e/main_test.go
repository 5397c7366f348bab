package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pebbe/zmq4"
)

// bin is the folder of the programs under test: zfleet and the shipped plugins.
var bin string

// buildFlags: the programs have the race detector when the tests have it.
var buildFlags []string

// The test binary is also a REP program that knows nothing of zfleet.
const asWorker = "ZFLEET_E2E_WORKER"

// mostSockets of libzmq there are at a time: a client that is watched takes three, and 1023 is the default.
const mostSockets = 8192

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(asWorker); endpoint != "" {
		repWorker(endpoint)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if err := zmq4.SetMaxSockets(mostSockets); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin = dir
	for _, name := range []string{"cmd/zfleet", "plugins/hello", "plugins/misbehave"} {
		args := append([]string{"build", "-pgo=off", "-o", filepath.Join(dir, filepath.Base(name))}, buildFlags...)
		build := exec.Command("go", append(args, "github.com/zfleet/zfleet/"+name)...)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "cannot build %s: %v\n", name, err)
			return 1
		}
	}
	return m.Run()
}
