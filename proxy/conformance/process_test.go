package conformance

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// The test binary is also a worker process, to be killed, when this names the endpoint that it connects to.
const workerEnv = "CONFORMANCE_WORKER"

func TestMain(m *testing.M) {
	if at := os.Getenv(workerEnv); at != "" {
		go endWithTheTest()
		fmt.Fprintln(os.Stderr, workForEver(at))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// workForEver is a plain REP that echoes. It says on standard output when it has taken its first request.
func workForEver(endpoint string) error {
	soc, err := zmq4.NewSocket(zmq4.REP)
	if err != nil {
		return err
	}
	if err := soc.Connect(endpoint); err != nil {
		return err
	}
	for first := true; ; first = false {
		message, err := soc.RecvMessageBytes(0)
		if err != nil {
			return err
		}
		if first {
			fmt.Println("begun")
		}
		if _, err := soc.SendMessage(message); err != nil {
			return err
		}
	}
}

// endWithTheTest ends the process when its standard input does: no worker outlives a test that did not come to its end.
func endWithTheTest() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

// process is a worker in a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	begun atomic.Bool // it has taken a request
}

func spawn(t *testing.T, endpoint string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), workerEnv+"="+endpoint)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	_, err = p.cmd.StdinPipe()
	must(t, err)
	must(t, p.cmd.Start())
	t.Cleanup(p.kill)
	go p.listen(bufio.NewScanner(out))
	return p
}

// listen ends with the process.
func (p *process) listen(lines *bufio.Scanner) {
	for lines.Scan() {
		p.begun.Store(true)
	}
}

// works says whether the worker is past its start and takes requests.
func (p *process) works() bool { return p.begun.Load() }

// kill is kill -9, and waits until the process is gone.
func (p *process) kill() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(unix.SIGKILL)
	_ = p.cmd.Wait()
}
