package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/admin"
)

// An ending fleet is the shortest answer of ps.
func ending(name string) *fakeFleet {
	return &fakeFleet{name: name, status: admin.Status{Fleet: name, Stopping: true, Services: []admin.Service{}}}
}

const services = "SERVICE  WANT  READY  QUEUED  CLIENTS  PROXY  PID  FRONTEND  BACKEND\n"

func endingTable(name string) string { return "fleet " + name + " is ending\n\n" + services }

const echoFile = `name = "echo"
[service.echo]
frontend = "tcp://127.0.0.1:*"
backend = "tcp://127.0.0.1:*"
[service.echo.workers]
command = ["/bin/true"]
`

func TestNothingHere(t *testing.T) {
	sandbox(t)
	for _, args := range [][]string{{"ps"}, {"down"}, {"scale", "8"}} {
		wants(t, exitNoFleet, "", "zfleet: no fleet.toml here, and no fleet is running\nhint: zfleet up FILE\n", args...)
	}
	wants(t, exitFailed, "", "zfleet: there is no fleet.toml in this folder\nhint: zfleet up FILE\n", "up")
	wants(t, exitFailed, "", "zfleet: there is no fleet.toml in this folder\nhint: zfleet check FILE\n", "check")
	_, stderr, code := run("check", "other.toml")
	if code != exitFailed || !strings.HasPrefix(stderr, "zfleet: cannot read other.toml: ") {
		t.Errorf("code %d, %s", code, stderr)
	}
}

func TestFoundByItsFile(t *testing.T) {
	folder := sandbox(t)
	writeFile(t, "fleet.toml", echoFile)
	wants(t, exitNoFleet, "", "zfleet: no fleet \"echo\" is running (socket "+admin.SocketPath("echo")+")\nhint: zfleet up fleet.toml\n", "ps")
	writeFile(t, "two.toml", strings.Replace(echoFile, "echo", "two", 1))
	wants(t, exitNoFleet, "", "zfleet: no fleet \"two\" is running (socket "+admin.SocketPath("two")+")\nhint: zfleet up two.toml\n", "ps", "-f", "two.toml")
	wants(t, exitNoFleet, "", "zfleet: no fleet is running at socket "+folder+"/none\nhint: zfleet up FILE\n", "ps", "--socket", folder+"/none")
	serve(t, ending("echo"))
	serve(t, ending("other"))
	wants(t, exitOK, endingTable("echo"), "", "ps")
	wants(t, exitOK, endingTable("echo"), "", "ps", "-f", filepath.Join(folder, "fleet.toml"))
	wants(t, exitOK, endingTable("other"), "", "ps", "--socket", admin.SocketPath("other"))
}

func TestFoundBecauseItIsTheOnlyOne(t *testing.T) {
	sandbox(t)
	serve(t, ending("echo"))
	wants(t, exitOK, endingTable("echo"), "zfleet: no fleet.toml here: this is about the one fleet that runs, echo\n", "ps")
	serve(t, ending("other"))
	wants(t, exitUsage, "", "zfleet: no fleet.toml here, and several fleets run: echo, other\n"+
		"hint: say which with -f FILE, or with --socket "+admin.SocketPath("echo")+"\n", "ps")
}

// It must be possible to end a fleet whose file was spoilt.
func TestFoundThoughItsFileIsBadNow(t *testing.T) {
	folder := sandbox(t)
	path := filepath.Join(folder, "fleet.toml")
	writeFile(t, path, "nonsense = 1\n")
	_, stderr, code := run("ps")
	if code != exitFailed || stderr == "" {
		t.Errorf("without a fleet: code %d, %s", code, stderr)
	}
	started := ending("echo")
	started.file = path
	serve(t, started)
	serve(t, ending("other"))
	wants(t, exitOK, endingTable("echo"), "zfleet: "+path+" cannot be used any more (zfleet check says why): "+
		"this is about the fleet that was started with it, echo\n", "ps")
}

func TestFoundWhereItWasToldToListen(t *testing.T) {
	sandbox(t)
	writeFile(t, "fleet.toml", echoFile)
	dir, err := admin.MakeRunDir("echo")
	must(t, err)
	serve(t, ending("other"))
	release, err := admin.Claim(dir, admin.Version{Fleet: "echo", Pid: os.Getpid(), Socket: admin.SocketPath("other")})
	must(t, err)
	wants(t, exitOK, endingTable("other"), "", "ps")
	must(t, release())
	_, _, code := run("ps")
	if code != exitNoFleet {
		t.Errorf("after its end: code %d", code)
	}
}
