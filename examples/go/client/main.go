// The Go example of a client: a plain ZeroMQ REQ socket that asks again when it gets no reply.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	zmq "github.com/pebbe/zmq4"
)

const (
	timeout = 2500 * time.Millisecond // for one try; more than a request may take
	tries   = 3
)

func main() {
	endpoint := "tcp://127.0.0.1:5559"
	if len(os.Args) > 1 {
		endpoint = os.Args[1]
	}
	if err := run(endpoint); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(endpoint string) error {
	socket, err := zmq.NewSocket(zmq.REQ)
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }()
	err = errors.Join(
		socket.SetReqRelaxed(1),   // a request may be sent although the last has no reply
		socket.SetReqCorrelate(1), // and then the reply to the last is not taken for this one's
		socket.SetRcvtimeo(timeout),
		socket.SetLinger(0),
		socket.Connect(endpoint),
	)
	if err != nil {
		return fmt.Errorf("cannot connect to %s: %w", endpoint, err)
	}
	for i := range 10 {
		reply, err := ask(socket, "Hello")
		if err != nil {
			return err
		}
		fmt.Printf("Received reply %d [%s]\n", i+1, reply)
	}
	return nil
}

// ask sends a request, again when there is no reply in time. So it can be handled twice.
func ask(socket *zmq.Socket, request string) (string, error) {
	for range tries {
		if _, err := socket.Send(request, 0); err != nil {
			return "", err
		}
		reply, err := socket.RecvMessage(0)
		if err == nil {
			return reply[0], nil
		}
		fmt.Fprintf(os.Stderr, "client: no reply within %s\n", timeout)
	}
	return "", fmt.Errorf("no reply after %d tries", tries)
}
