package workerkit_test

import (
	"context"
	"testing"

	zmq "github.com/pebbe/zmq4"
	"github.com/zfleet/zfleet/workerkit"
)

// BenchmarkWorker is one lane that echoes 16 bytes over TCP, with one request and with 50 outstanding. Half of the time is the client's.
func BenchmarkWorker(b *testing.B) {
	for name, outstanding := range map[string]int{"lone": 1, "pipelined": 50} {
		b.Run(name, func(b *testing.B) { benchmark(b, outstanding) })
	}
}

func benchmark(b *testing.B, outstanding int) {
	client, err := zmq.NewSocket(zmq.DEALER)
	must(b, err)
	defer func() { must(b, client.Close()) }()
	must(b, client.Bind("tcp://127.0.0.1:*"))
	endpoint, err := client.GetLastEndpoint()
	must(b, err)
	ctx, drain := context.WithCancel(b.Context())
	ended := make(chan error)
	echo := workerkit.HandlerFunc(func(_ context.Context, req [][]byte) ([][]byte, error) { return req, nil })
	go func() { ended <- workerkit.Run(ctx, echo, workerkit.Backend{Endpoints: []string{endpoint}}) }()
	send := func() {
		_, err := client.SendMessage("", "sixteen bytes ..")
		must(b, err)
	}
	for range outstanding {
		send()
	}
	for b.Loop() {
		_, err := client.RecvMessageBytes(0)
		must(b, err)
		send()
	}
	drain()
	must(b, <-ended)
}
