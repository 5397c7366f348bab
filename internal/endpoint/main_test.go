package endpoint

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The test binary plays the other process, too: it listens on, or connects to, the address in its arguments, says so in one line, and ends
// when its stdin does.
func TestMain(m *testing.M) {
	if role := os.Getenv("ENDPOINT_TEST_ROLE"); role != "" {
		if err := otherProcess(role, os.Args[1], os.Args[2]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func otherProcess(role, network, address string) error {
	switch role {
	case "listen":
		l, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		fmt.Println(l.Addr())
	case "connect":
		c, err := net.Dial(network, address)
		if err != nil {
			return err
		}
		fmt.Println(c.LocalAddr())
	case "inherited": // address is the endpoint, descriptor 3 the socket
		return serveInherited(address)
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func serveInherited(address string) error {
	e, err := Parse(address)
	if err != nil {
		return err
	}
	l, err := FromFD(e, 3)
	if err != nil {
		return err
	}
	fmt.Println(l.Bound())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return l.Close()
}

// other starts the other process and returns it with the line that it says. It ends with the test, or with stop.
func other(t *testing.T, role, network, address string, files ...*os.File) (cmd *exec.Cmd, line string, stop func()) {
	t.Helper()
	cmd = exec.Command(os.Args[0], network, address)
	cmd.Env = append(os.Environ(), "ENDPOINT_TEST_ROLE="+role, "GORACE=atexit_sleep_ms=0")
	cmd.ExtraFiles = files
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err = bufio.NewReader(stdout).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("other process: %q, %v", line, err)
	}
	stop = func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	}
	t.Cleanup(stop)
	return cmd, strings.TrimSpace(line), stop
}

// hasIPv6 is false in many containers; what needs it is left out there.
func hasIPv6(t *testing.T) bool {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Log("without IPv6:", err)
		return false
	}
	_ = l.Close()
	return true
}

// shortDir is a folder whose path fits a unix socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func listen(t *testing.T, text string) *Listener {
	t.Helper()
	l, err := parse(t, text).Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
