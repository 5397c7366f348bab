// The Go example of a zfleet worker.
package main

import (
	"context"

	"github.com/zfleet/zfleet/workerkit"
)

func main() {
	workerkit.Main(workerkit.HandlerFunc(handle),
		workerkit.Name("worker"),
		workerkit.Description("answers World"),
		workerkit.Concurrency(4), // requests at a time
	)
}

// handle answers one request. It can be called from four goroutines at a time, and twice for one request: if this process dies before its
// reply is out, another worker gets the request.
func handle(_ context.Context, req [][]byte) ([][]byte, error) {
	if len(req[0]) == 0 {
		return nil, workerkit.Errorf(workerkit.InvalidArgument, "cannot answer an empty request")
	}
	return [][]byte{[]byte("World, from Go")}, nil
}
