package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
)

// connections counts the TCP connections that the engine holds at one of its ports: those of peers that have left are among them until
// the engine has seen it and closed its end.
func connections(t *testing.T, endpoint string) (count int) {
	t.Helper()
	port, err := strconv.Atoi(endpoint[strings.LastIndex(endpoint, ":")+1:])
	must(t, err)
	local := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		lines, err := os.ReadFile(table)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6 has no second table
			t.Fatal(err)
		}
		for line := range strings.Lines(string(lines)) {
			f := strings.Fields(line) // number, local address, remote address, state, …
			if strings.HasSuffix(f[1], local) && (f[3] == tcpEstablished || f[3] == tcpCloseWait) {
				count++
			}
		}
	}
	return count
}

// States of a connection in /proc/net/tcp (include/net/tcp_states.h).
const (
	tcpEstablished = "01"
	tcpCloseWait   = "08"
)
