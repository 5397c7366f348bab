// Hello is the worker of the classic ZeroMQ example: it answers World, whatever it is asked.
package main

import (
	"context"

	"github.com/rs/zerolog"
	"github.com/zfleet/zfleet/workerkit"
)

func main() {
	workerkit.Main(workerkit.HandlerFunc(hello), workerkit.Name("hello"), workerkit.Description("answers World to every request"))
}

func hello(ctx context.Context, req [][]byte) ([][]byte, error) {
	zerolog.Ctx(ctx).Debug().Bytes("request", req[0]).Msg("received request")
	return [][]byte{[]byte("World")}, nil
}
