package await

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports below those that the kernel gives to whoever asks for any (ip_local_port_range begins at 32768): one of these is not taken by a
// connection of another test before it is bound.
const (
	firstPort = 12_000
	lastPort  = 31_999
)

var given sync.Map

// Port is a TCP port of 127.0.0.1 that nobody has, and that no other call in this process is given.
func Port() (int, error) {
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		_, taken := given.LoadOrStore(port, true)
		if err := ln.Close(); err != nil {
			return 0, err
		}
		if !taken {
			return port, nil
		}
	}
	return 0, errors.New("cannot find a free port")
}
